"""A year of reminders in seconds, compared with a plain model: three projects, two schedulers, a week of silence."""

import random
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.utils import timezone

from portal.actors import SYSTEM
from portal.link_tokens import current_key_id
from portal.mail_sending import send_due_mail
from portal.models import Dataset, Notice, Project
from portal.outbox import new_notice
from reminders import due
from reminders.services import slots
from reminders.services.policies import change_policy
from reminders.services.remind import remind_recipients
from sharing.models import ShareLink
from tests.reminders.year_of_links import WISHES, YEAR_BEGINS, Life, Sent, Wish, draw_lives, draw_ticks, model

pytestmark = pytest.mark.django_db


def open_projects() -> dict[str, Dataset]:
    """With one dataset each."""
    return {name: _dataset_of(name, wish) for name, wish in WISHES.items()}


def _dataset_of(name: str, wish: Wish) -> Dataset:
    project = Project.objects.create(code=name, name=name, contact_email=f"{name}@x.example", time_zone=wish.zone)
    quiet_from, quiet_until = wish.quiet or (None, None)
    change_policy(
        project=project,
        actor=SYSTEM,
        every_days=wish.every,
        days_before=", ".join(map(str, wish.before)),
        most=wish.most,
        quiet_from=quiet_from,
        quiet_until=quiet_until,
        working_days_only=wish.working_days,
        partial_is_used=wish.partial_is_used,
        copies_to="project" if name == "rome" else "nobody",
        copies_daily=True,
    )
    return Dataset.objects.create(
        project=project,
        client_key=uuid4().hex,
        sender="upload_token:1",
        sent_by="x",
        name=name,
        title=name,
        state="released",
        closed_at=YEAR_BEGINS,
        released_at=YEAR_BEGINS,
    )


def share(lives: list[Life], datasets: dict[str, Dataset]) -> None:
    ShareLink.objects.bulk_create(
        ShareLink(
            key_id=current_key_id(),
            dataset=datasets[life.project],
            recipient=f"{life.number}@x.example",
            occasion="release",
            starts_at=life.starts_at,
            expires_at=life.ends_at,
        )
        for life in lives
    )


def change(life: Life, what: str, at: datetime) -> None:
    link = ShareLink.objects.filter(recipient=f"{life.number}@x.example")
    if what in ("partial", "complete"):
        whole = {"completed_at": at} if what == "complete" else {}
        link.exclude(state="complete").update(state=what, first_taken_at=at, **whole)
    elif what == "extended":
        link.update(expires_at=life.as_of(at)[0])
    elif what == "revoked":
        link.update(revoked_at=at)
    elif what in ("bounced", "arrived"):
        mail_with_link(link.get(), "bounced" if what == "bounced" else "sent", at)
    else:
        link.update(answer="has_it", answered_at=at)


def mail_with_link(link: ShareLink, state: str, at: datetime) -> None:
    """Somebody had it sent once more; it came back at once, or arrived."""
    notice = new_notice("dataset-ready", link.recipient, subject_id=link.pk, slot=f"again:{at}", dataset=link.dataset)
    notice.state, notice.sent_at, notice.bounced_at, notice.last_error = state, at, at, "no such user"
    notice.save()


def _same(now: datetime) -> datetime:
    return now


def live_through(
    lives: list[Life], ticks: list[datetime], monkeypatch: pytest.MonkeyPatch, *, sends: bool
) -> set[Sent]:
    """The reminders that were queued, to whom and when; with `sends`, those that went out."""
    share(lives, open_projects())
    coming = sorted((at, life.number, what) for life in lives for at, what in life.changes)
    for now in ticks:
        while coming and coming[0][0] <= now:
            at, number, what = coming.pop(0)
            change(lives[number], what, at)
        clock = partial(_same, now)
        monkeypatch.setattr(timezone, "now", clock)
        remind_recipients(now=now)
        if sends and Notice.objects.filter(state="due").exists():
            send_due_mail(clock=clock)
    reminders = Notice.objects.filter(kind="reminder", **({"state": "sent"} if sends else {}))
    rows = reminders.values_list("to", "sent_at" if sends else "created_at")
    return {(int(to.partition("@")[0]), at) for to, at in rows}


def test_a_year_of_reminders_is_what_a_plain_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(5)  # noqa: S311
    lives = draw_lives(dice, 120, range(340))
    ticks = draw_ticks(dice, range(390), (40, 100), silence=range(180, 187))
    sent, expected = live_through(lives, ticks, monkeypatch, sends=True), model(lives, ticks)
    assert sorted(sent - expected) == []
    assert sorted(expected - sent) == []
    assert len(expected) > 100
    assert len([letter for letter in mail.outbox if letter.subject.startswith("Reminder:")]) == len(expected)
    rome = {life.number for life in lives if life.project == "rome"}
    days = {at.astimezone(ZoneInfo("Europe/Rome")).date() for number, at in expected if number in rome}
    digests = Notice.objects.filter(kind="reminder-digest", state="sent").values_list("slot", flat=True)
    assert sorted(digests) == sorted(day.isoformat() for day in days)


FAULTS = {
    "quiet hours are not known": (due, "_is_quiet", lambda at, quiet: False),
    "days have 24 hours": (due, "_days_from", lambda at, days, zone: at + timedelta(days=days)),
    "the query finds links too late": (slots, "MARGIN", -timedelta(days=1)),
    "mails that came back are forgotten": (Notice, "UNDELIVERED", ()),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: three weeks in which clocks are changed in Rome and on Lord Howe."""
    monkeypatch.setattr(*FAULTS[fault])
    dice = random.Random(7)  # noqa: S311
    lives = draw_lives(dice, 300, range(72, 94))
    ticks = draw_ticks(dice, range(80, 101), (6,), silence=range(0))
    assert live_through(lives, ticks, monkeypatch, sends=False) != model(lives, ticks)
