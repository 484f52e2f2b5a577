"""What projects said of reminders moves into a row of its own, and slots are named by the day of the link's life."""

from django.db import migrations
from django.db.models import CharField, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat

LONGEST_DAYS = 365
WEEK = 7


def move_policies(apps, schema_editor):
    policies = apps.get_model("reminders", "ReminderPolicy").objects
    projects = apps.get_model("portal", "Project").objects
    for project in projects.exclude(reminder_days=WEEK, copy_reminders_to="nobody").iterator():
        policies.create(
            project=project,
            reminds=project.reminder_days > 0,
            every_days=min(project.reminder_days, LONGEST_DAYS) or WEEK,
            copies_to=project.copy_reminders_to,
        )


def rename_slots(apps, schema_editor):
    """The third weekly reminder was "3" and is "day 21": so nobody is reminded anew of what they heard before."""
    notices = apps.get_model("portal", "Notice").objects.filter(kind__in=["reminder", "reminder-copy"])
    datasets = apps.get_model("portal", "Dataset").objects.filter(pk=OuterRef("dataset"), project__reminder_days__gt=0)
    days = Subquery(datasets.order_by().values("project__reminder_days"))
    numbered = notices.filter(slot__regex=r"^[0-9]{1,5}$").annotate(days=days).filter(days__isnull=False)
    numbered.update(
        slot=Concat(Value("day "), Cast(Cast("slot", IntegerField()) * days, CharField()), output_field=CharField())
    )


class Migration(migrations.Migration):
    dependencies = [("reminders", "0001_projects_say_how_they_remind")]

    operations = [
        migrations.RunPython(move_policies, migrations.RunPython.noop),
        migrations.RunPython(rename_slots, migrations.RunPython.noop),
    ]
