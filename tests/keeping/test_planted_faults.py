"""What retention promises, watched from outside for two months; and faults planted in it, each of which is seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.core import mail
from icalendar import Calendar

from keeping import due
from keeping.due import Facts, Policy
from keeping.models import Keeping, KeepingQuerySet
from keeping.services import facts, retention, warning
from portal.models import Dataset, Project, User
from tests.keeping.conftest import MakeDataset, keys_of
from tests.keeping.retention_story import a_class, a_link, day, everything, released, state_of

KEPT, NOTICE, GRACE = 30, 14, 10  # days
Plant = Callable[[pytest.MonkeyPatch], None]


def broken_promises(dataset: Dataset, to: Sequence[str]) -> set[str]:
    """By the mails that arrive `to` those who decide, the state that users see, and the files in the store."""
    said: set[str] = set()
    told_on: dict[date, int] = {}  # of which day, and when for the first time
    deleted: int | None = None
    for number in range(14, 60):
        everything(number)
        for letter in mail.outbox:
            if letter.to[0] in to and letter.attachments:
                told_on.setdefault(_day_told(letter.attachments[0][1]), number)
        mail.outbox.clear()
        if deleted is None and state_of(dataset) != "released":
            deleted = number
            if number < KEPT:
                said.add("too early")
            if told_on.get(day(number).date(), number) > number - NOTICE:
                said.add("without notice")
        if deleted is not None and not keys_of("local", dataset) and number < deleted + GRACE:
            said.add("without grace")
    return said | ({"never"} if keys_of("local", dataset) else set())


def _day_told(entry: bytes) -> date:
    (event,) = Calendar.from_ical(entry).walk("VEVENT")
    told = event.decoded("dtstart")
    assert isinstance(told, date)
    return told


@pytest.fixture
def dataset(make_dataset: MakeDataset, project: Project, alice: User) -> Dataset:
    made = make_dataset({"a": b"1"}, name="run-1", **released())
    a_class(project, days=KEPT, grace_days=GRACE)
    a_link(made)
    return made


def test_retention_keeps_its_promises(dataset: Dataset, alice: User) -> None:
    assert broken_promises(dataset, [alice.email]) == set()


def no_mail_is_queued(plant: pytest.MonkeyPatch) -> None:
    """And whoever looks for mails that were sent believes that they were."""
    plant.setattr(warning, "queue_notices", lambda notices: None)
    plant.setattr(facts, "_told_at", lambda keepings: {each.pk: each.warned_at for each in keepings})


def a_day_too_early(plant: pytest.MonkeyPatch) -> None:
    real = due.deletion_at

    def hasty(known: Facts, policy: Policy, now: datetime) -> datetime | None:
        at = real(known, policy, now)
        return at - timedelta(days=1) if at else None

    plant.setattr(retention, "deletion_due", lambda known, policy, now: (hasty(known, policy, now) or now) <= now)


def the_notice_is_cut_short(plant: pytest.MonkeyPatch) -> None:
    real = facts.situations

    def warned_long_ago(keepings: Sequence[Keeping]) -> list[facts.Situation]:
        return [replace(each, facts=replace(each.facts, warned_at=day(0), told_at=day(0))) for each in real(keepings)]

    plant.setattr(retention, "situations", warned_long_ago)
    plant.setattr(due, "WARNINGS", (7, 1))


def grace_is_ignored(plant: pytest.MonkeyPatch) -> None:
    def at_once(self: KeepingQuerySet, now: datetime) -> KeepingQuerySet:
        return self.filter(deleted_at__isnull=False, purged_at__isnull=True, held_at__isnull=True)

    plant.setattr(KeepingQuerySet, "to_purge", at_once)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (no_mail_is_queued, {"without notice"}),
        (a_day_too_early, {"too early", "without notice"}),
        (the_notice_is_cut_short, {"without notice"}),
        (grace_is_ignored, {"without grace"}),
    ],
)
def test_a_planted_fault_is_seen(
    dataset: Dataset, alice: User, monkeypatch: pytest.MonkeyPatch, fault: Plant, seen: set[str]
) -> None:
    fault(monkeypatch)
    assert broken_promises(dataset, [alice.email]) == seen
