"""The portal's Celery application with a scheduler in a hurry: ``celery --app tests.faults.hurried beat``."""

from datetime import timedelta

from portal.celery import app

WANTED = ("portal.tasks.send_due_mail_task", "reminders.tasks.remind_task", "uploads.tasks.sweep_task")

for entry in app.conf.beat_schedule.values():
    if entry["task"] in WANTED:
        entry["schedule"] = timedelta(seconds=1)
