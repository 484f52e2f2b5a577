"""A fall-back for staff; the pages of the portal are for everybody else. Nothing is made or changed here."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from uploads.models import Upload, UploadToken

if TYPE_CHECKING:
    _TokenBase = admin.ModelAdmin[UploadToken]
    _UploadBase = admin.ModelAdmin[Upload]
else:
    _TokenBase = _UploadBase = admin.ModelAdmin


class _LookOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(UploadToken)
class UploadTokenAdmin(_LookOnly, _TokenBase):
    list_display = ["label", "project", "instrument", "created_at", "expires_at", "revoked_at", "last_used_at"]
    list_select_related = ["project", "instrument"]
    search_fields = ["label", "project__code", "instrument__name"]
    exclude = ["digest"]


@admin.register(Upload)
class UploadAdmin(_LookOnly, _UploadBase):
    list_display = ["id", "dataset", "state", "offset", "length", "touched_at", "expires_at"]
    list_select_related = ["dataset"]
    list_filter = ["state"]
    search_fields = ["id", "dataset__name"]
    show_full_result_count = False
