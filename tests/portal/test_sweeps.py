"""Work that lost its bell or its worker is found by the clock: each kind of it has a sweep, and where somebody waits,
lease and tick together are at most two minutes."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings

from delivery.services import turns
from keeping.services import copies, purging, rereading, retention
from portal import mail_claims
from portal.models.work import Work
from uploads.services import claims

SWEEPS = {  # by whom it is found, and how long a dead worker holds it
    "portal.DataFile": ("verify received files", claims.LEASE),
    "portal.Notice": ("send mail", mail_claims.LEASE),
    "uploads.Bundle": ("verify received files", claims.LEASE),
    "delivery.Delivery": ("push to destinations", turns.LEASE),
    "delivery.Hook": ("tell hooks", turns.LEASE),
    "delivery.DatasetCopy": ("copy between projects", turns.LEASE),
    "keeping.FileCopy": ("copy to second stores", copies.LEASE),
    "keeping.Keeping": ("keep and delete datasets", max(retention.LEASE, purging.LEASE)),
    "keeping.Round": ("re-read stored files", rereading.LEASE),
}
NOBODY_WAITS = {"keeping.Round": "it takes thirty days"}


@pytest.mark.parametrize("label", [model._meta.label for model in apps.get_models() if issubclass(model, Work)])
def test_each_kind_of_work_has_a_sweep_that_takes_up_within_two_minutes_what_a_dead_worker_held(label: str) -> None:
    name, lease = SWEEPS[label]
    every = settings.CELERY_BEAT_SCHEDULE[name]["schedule"]
    assert isinstance(every, timedelta)
    assert lease + every <= timedelta(seconds=120) or label in NOBODY_WAITS
