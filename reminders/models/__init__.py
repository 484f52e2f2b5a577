"""What a project wants done by the clock."""

from reminders.models.policies import ReminderPolicy

__all__ = ["ReminderPolicy"]
