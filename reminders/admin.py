"""Django's admin as a fall-back: to look at policies; changing them goes through the page, which audits."""

from django.contrib import admin

from reminders.models import ReminderPolicy
from sharing.admin import ReadOnlyAdmin


@admin.register(ReminderPolicy)
class ReminderPolicyAdmin(ReadOnlyAdmin):
    list_display = ("project", "reminds", "every_days", "days_before", "most", "copies_to", "copies_daily")
    list_filter = ("reminds", "copies_to")
    list_select_related = ("project",)
    search_fields = ("project__name", "project__code")
