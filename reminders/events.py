"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from datetime import time

from portal.actors import Actor
from portal.audit import record
from portal.events import Changes
from reminders.models import ReminderPolicy


def reminder_policy_changed(policy: ReminderPolicy, actor: Actor, changes: Changes) -> None:
    told = {name: [_plain(before), _plain(after)] for name, (before, after) in changes.items()}
    record("reminder_policy_changed", actor, project=policy.project, subject=policy.project.name, changes=told)


def _plain(value: object) -> object:
    return f"{value:%H:%M}" if isinstance(value, time) else value
