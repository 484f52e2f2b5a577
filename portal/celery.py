"""The Celery application. It only rings bells: what is to be done stands in the database (see ``docs/design``)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("labcourier")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add("portal.celery_heartbeats:WorkerHeartbeat")
