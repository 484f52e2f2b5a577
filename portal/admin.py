"""The Django admin: a fall-back for what has no page. It goes past the services, so each change is audited here.

Log-in is allauth's, so its limits and second factors hold here too. What only services may write is read-only.
"""

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from portal import events
from portal.access import signed_in_actor
from portal.models import (
    AccessToken,
    AuditEvent,
    AuditHead,
    DataFile,
    Dataset,
    DatasetKeyword,
    DatasetRecipient,
    DigestLine,
    DiskDay,
    Heartbeat,
    Instrument,
    MailDay,
    Membership,
    Notice,
    Project,
    ReturnMailbox,
    StorageDay,
    User,
)

if TYPE_CHECKING:  # the admin of Django is generic for the type checker only
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Labcourier, behind the pages"
admin.site.unregister(Group)  # rights come from roles in projects


COUNTED = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts to ten thousand and no further: there may be ten million rows."""

    @cached_property
    def count(self) -> int:
        return QuerySet.count(self.object_list[:COUNTED])  # type: ignore[arg-type]


class AuditedAdmin(AnyAdmin):
    """Says in the audit what was done here."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        events.changed_in_admin(obj, signed_in_actor(request), "added")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        fields = ", ".join(field for part in message for field in part.get("changed", {}).get("fields", []))
        events.changed_in_admin(obj, signed_in_actor(request), f"changed {fields}")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for row in queryset:
            events.changed_in_admin(row, signed_in_actor(request), "deleted")
        return super().log_deletions(request, queryset)


class ReadOnlyAdmin(AnyAdmin):
    """Shown, never written: services and the clock do that."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_max_show_all = 0

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(AuditedAdmin, UserAdmin):  # type: ignore[type-arg]
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_superuser", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "time_zone", "password")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser", "gets_storage_report")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    list_display = ("label", "user", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("label", "user__email")
    exclude = ("digest",)


@admin.register(Project)
class ProjectAdmin(AuditedAdmin):
    list_display = ("name", "code", "contact_email")
    search_fields = ("name", "code")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()  # the folder of its files has that name


@admin.register(Membership)
class MembershipAdmin(AuditedAdmin):
    list_display = ("user", "project", "role")
    list_filter = ("role",)
    list_select_related = ("user", "project")
    autocomplete_fields = ("user", "project")


@admin.register(Instrument)
class InstrumentAdmin(AuditedAdmin):
    list_display = ("name", "project", "last_contact_at", "last_contact_from")
    list_select_related = ("project",)
    autocomplete_fields = ("project",)
    search_fields = ("name", "slug")


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    list_display = ("name", "title", "project", "state", "created_at")
    list_filter = ("state",)
    list_select_related = ("project",)
    search_fields = ("name",)


@admin.register(DatasetKeyword)
class KeywordAdmin(ReadOnlyAdmin):
    list_display = ("word", "dataset")
    list_select_related = ("dataset",)
    search_fields = ("word",)


@admin.register(DatasetRecipient)
class RecipientAdmin(ReadOnlyAdmin):
    list_display = ("email", "dataset")
    list_select_related = ("dataset",)
    search_fields = ("email",)


@admin.register(DataFile)
class FileAdmin(ReadOnlyAdmin):
    list_display = ("path", "dataset", "state", "size")
    list_select_related = ("dataset",)
    ordering = ("-pk",)


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("kind", "to", "state", "created_at", "sent_at")
    list_filter = ("state", "kind")
    search_fields = ("to",)


@admin.register(DigestLine)
class DigestLineAdmin(ReadOnlyAdmin):
    list_display = ("person", "day", "dataset", "said")
    list_select_related = ("person", "dataset")


@admin.register(MailDay)
class MailDayAdmin(ReadOnlyAdmin):
    list_display = ("project", "day", "mails")
    list_select_related = ("project",)


@admin.register(ReturnMailbox)
class ReturnMailboxAdmin(ReadOnlyAdmin):
    list_display = ("address", "read_at", "trouble")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "at")


@admin.register(StorageDay)
class StorageDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "project", "instrument", "files_held", "bytes_held", "bytes_deleted")
    list_select_related = ("project", "instrument")


@admin.register(DiskDay)
class DiskDayAdmin(ReadOnlyAdmin):
    list_display = ("day", "store", "used", "total")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "kind", "subject", "project")


@admin.register(AuditHead)
class AuditHeadAdmin(ReadOnlyAdmin):
    list_display = ("hash",)
