"""Django's admin as a fall-back: to look at links and receipts; changing them goes through the pages, which audit."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from sharing.models import Receipt, RenewalPolicy, RenewalRequest, ShareLink

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ReadOnlyAdmin(_Admin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnlyAdmin):
    list_display = ("recipient", "dataset", "state", "starts_at", "expires_at", "revoked_at", "created_by_label")
    list_filter = ("state",)
    list_select_related = ("dataset",)
    search_fields = ("recipient", "dataset__name")


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("link", "kind", "file", "state", "bytes_sent", "bytes_total", "requests", "first_at", "last_at")
    list_filter = ("kind", "state")
    list_select_related = ("link__dataset", "file")
    search_fields = ("link__recipient", "link__dataset__name")


@admin.register(RenewalRequest)
class RenewalRequestAdmin(ReadOnlyAdmin):
    list_display = ("asked_by", "link", "state", "asked_at", "answered_at", "answered_by", "how", "until")
    list_filter = ("state", "how")
    list_select_related = ("link__dataset",)
    search_fields = ("asked_by", "link__dataset__name")
    exclude = ("key_id",)


@admin.register(RenewalPolicy)
class RenewalPolicyAdmin(ReadOnlyAdmin):
    list_display = ("project", "answer", "days", "most_times")
    list_select_related = ("project",)
