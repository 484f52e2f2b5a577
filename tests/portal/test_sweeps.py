"""Work that lost its bell or its worker is found by the clock: each kind of it has a sweep, and those for which
somebody waits have one at least each minute."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.conf import settings

from portal.models.work import Work

SWEEPS = {
    "portal.DataFile": "verify received files",
    "portal.Notice": "send mail",
    "uploads.Bundle": "verify received files",
    "delivery.Delivery": "push to destinations",
    "delivery.Hook": "tell hooks",
    "delivery.DatasetCopy": "copy between projects",
    "keeping.FileCopy": "copy to second stores",
    "keeping.Keeping": "keep and delete datasets",
    "keeping.Round": "re-read stored files",
}
NOBODY_WAITS = {"keeping.Keeping": "it is due on a day", "keeping.Round": "it takes thirty days"}


@pytest.mark.parametrize("label", [model._meta.label for model in apps.get_models() if issubclass(model, Work)])
def test_each_kind_of_work_has_its_sweep(label: str) -> None:
    every = settings.CELERY_BEAT_SCHEDULE[SWEEPS[label]]["schedule"]
    assert isinstance(every, timedelta)
    assert every <= timedelta(minutes=1) or label in NOBODY_WAITS
