"""Links that Rita and others got for released datasets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, Unpack
from uuid import uuid4

import pytest

from portal.actors import SYSTEM
from portal.link_tokens import current_key_id
from portal.models import Dataset, Instrument, Notice, Project
from portal.outbox import new_notice
from reminders.services.policies import PolicyFields, change_policy
from sharing.models import ShareLink

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
WEEK = timedelta(days=7)

MakeDataset = Callable[..., Dataset]
MakeLink = Callable[..., ShareLink]


class SetPolicy(Protocol):
    def __call__(self, **fields: Unpack[PolicyFields]) -> None: ...


@pytest.fixture
def set_policy(project: Project) -> SetPolicy:
    """Of the one project."""

    def change(**fields: Unpack[PolicyFields]) -> None:
        change_policy(project=project, actor=SYSTEM, **fields)

    return change


@pytest.fixture
def make_dataset(project: Project, instrument: Instrument) -> MakeDataset:
    def make(**fields: Any) -> Dataset:
        values: dict[str, Any] = {
            "project": project,
            "instrument": instrument,
            "client_key": uuid4().hex,
            "sender": "upload_token:1",
            "sent_by": "Krios 2, control PC",
            "name": f"2026-11-13_18.20.37-32-{uuid4().hex[:12]}",
            "title": "Lysozyme, grid 1",
            "state": Dataset.State.RELEASED,
            "operator_emails": ["em-staff@facility.example", "night@facility.example"],
            "closed_at": NOW,
            "released_at": NOW,
            "file_count": 312,
            "verified_count": 312,
            "bytes_verified": 41_234_567_890,
            "bytes_expected": 41_234_567_890,
        }
        return Dataset.objects.create(**values | fields)

    return make


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset()


@pytest.fixture
def make_link(dataset: Dataset, rita: str) -> MakeLink:
    """A link for Rita that started at ``NOW`` and lasts thirty days, unless said otherwise."""

    def make(**fields: Any) -> ShareLink:
        values: dict[str, Any] = {
            "key_id": current_key_id(),
            "dataset": dataset,
            "recipient": rita,
            "occasion": uuid4().hex,
            "starts_at": NOW,
            "expires_at": NOW + timedelta(days=30),
        } | fields
        if values.get("state") in ("started", "complete"):
            values |= {"first_taken_at": NOW, "completed_at": NOW}
        return ShareLink.objects.create(**values)

    return make


def mailed(link: ShareLink, state: str) -> None:
    """The mail with `link` went out and ended so."""
    slot = f"mail {Notice.objects.count()}"
    notice = new_notice("dataset-ready", link.recipient, subject_id=link.pk, slot=slot, dataset=link.dataset)
    notice.state, notice.last_error, notice.sent_at, notice.bounced_at = state, "no such user", NOW, NOW
    notice.save()
