"""What each project wants, as :mod:`reminders.due` needs it."""

from typing import TypedDict, Unpack

from django.db import transaction

from portal.actors import Actor
from portal.models import Project
from portal.services.changes import assign, require_valid
from reminders import events
from reminders.due import Policy
from reminders.models import ReminderPolicy


class PolicyFields(TypedDict, total=False):
    reminds: bool
    every_days: int
    days_before: str
    most: int | None
    quiet_from: object
    quiet_until: object
    working_days_only: bool
    partial_is_used: bool
    words: str
    copies_to: str
    metadata_key: str
    copies_daily: bool


def policy_row(project: Project) -> ReminderPolicy:
    """What is stored, or what holds without; then it is not stored."""
    return ReminderPolicy.objects.filter(project=project).first() or ReminderPolicy(project=project)


def policy_at_hand(project: Project) -> ReminderPolicy:
    """As ``policy_row``, of a project that was fetched together with its policy: no query."""
    row = getattr(project, "reminder_policy", None) or ReminderPolicy(project=project)
    row.project = project
    return row


def all_policies() -> dict[int, ReminderPolicy]:
    """Of each project by its id, in one query; with the project."""
    projects = Project.objects.select_related("reminder_policy").order_by()
    return {project.pk: policy_at_hand(project) for project in projects}


def policy_of(row: ReminderPolicy) -> Policy:
    """In the zone of its project."""
    quiet = (row.quiet_from, row.quiet_until) if row.quiet_from and row.quiet_until else None
    return Policy(
        zone=row.project.zone,
        reminds=row.reminds,
        every_days=row.every_days,
        days_before=row.days,
        most=row.most,
        quiet=quiet,
        working_days_only=row.working_days_only,
        partial_is_used=row.partial_is_used,
    )


def change_policy(*, project: Project, actor: Actor, **fields: Unpack[PolicyFields]) -> ReminderPolicy:
    """Changes what differs; holds from the next reminder on, also for links that exist. Raises Invalid."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # two first changes at once make one row
        row = policy_row(project)
        changes = assign(row, fields)
        if changes:
            require_valid(row)
            row.save()
            events.reminder_policy_changed(row, actor, changes)
    return row
