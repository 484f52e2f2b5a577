"""A year of reminders in seconds, compared with a plain model: three projects, two schedulers, a week of silence."""

import random
from collections.abc import Callable, Container
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
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
from reminders.services import slots, still_due
from reminders.services.policies import change_policy
from reminders.services.remind import remind_recipients
from sharing.models import ShareLink
from tests.portal.many_connections import at_once, shared_database
from tests.reminders.year_of_links import WISHES, YEAR_BEGINS, Life, Sent, Wish, draw_lives, draw_ticks, model

LINKS = 240
PATIENCE = 600  # seconds: on a slow machine, too, everything is sent at its tick

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


def look_and_send(now: datetime, *, sends: bool, at_the_same_time: bool) -> None:
    """One scheduler and one worker; or two and four, in threads of their own, and four more for what is left."""
    look = partial(remind_recipients, now=now)
    send = partial(send_due_mail, clock=partial(_same, now), seconds=PATIENCE)
    if at_the_same_time:
        roles: SimpleQueue[Callable[[], object]] = SimpleQueue()
        for role in (look, look, send, send, send, send):
            roles.put(role)

        def play() -> None:
            roles.get()()

        at_once(play, 6)
    else:
        look()
    if sends and Notice.objects.filter(state="due").exists():
        at_once(send, 4) if at_the_same_time else send()


def live_through(
    lives: list[Life],
    ticks: list[datetime],
    monkeypatch: pytest.MonkeyPatch,
    *,
    sends: bool,
    crowded: Container[int] = (),
) -> set[Sent]:
    """The reminders that were queued, to whom and when; with `sends`, those that went out. On `crowded` days of the
    year everybody works at the same time."""
    share(lives, open_projects())
    coming = sorted((at, life.number, what) for life in lives for at, what in life.changes)
    for now in ticks:
        while coming and coming[0][0] <= now:
            at, number, what = coming.pop(0)
            change(lives[number], what, at)
        monkeypatch.setattr(timezone, "now", partial(_same, now))
        look_and_send(now, sends=sends, at_the_same_time=(now - YEAR_BEGINS).days in crowded)
    reminders = Notice.objects.filter(kind="reminder", **({"state": "sent"} if sends else {}))
    rows = reminders.values_list("to", "sent_at" if sends else "created_at")
    return {(int(to.partition("@")[0]), at) for to, at in rows}


@pytest.mark.django_db(transaction=True)
def test_a_year_of_reminders_is_what_a_plain_model_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The crowded days have the changes of clocks in spring, and the days after the silence."""
    dice = random.Random(5)  # noqa: S311
    lives = draw_lives(dice, LINKS, range(340))
    ticks = draw_ticks(dice, range(390), (55, 110), silence=range(180, 187))
    crowded = {*range(60, 100), *range(187, 194)}
    with shared_database(tmp_path):
        sent, expected = live_through(lives, ticks, monkeypatch, sends=True, crowded=crowded), model(lives, ticks)
        digests = list(Notice.objects.filter(kind="reminder-digest", state="sent").values_list("slot", flat=True))
    assert sorted(sent - expected) == []
    assert sorted(expected - sent) == []
    assert len(expected) > LINKS
    assert len([letter for letter in mail.outbox if letter.subject.startswith("Reminder:")]) == len(expected)
    rome = {life.number for life in lives if life.project == "rome"}
    days = {at.astimezone(ZoneInfo("Europe/Rome")).date() for number, at in expected if number in rome}
    assert sorted(digests) == sorted(day.isoformat() for day in days)


FAULTS = {
    "quiet hours are not known": (due, "_is_quiet", lambda at, quiet: False),
    "days have 24 hours": (due, "_days_from", lambda at, days, zone: at + timedelta(days=days)),
    "the query finds links too late": (slots, "MARGIN", -timedelta(days=1)),
    "mails that came back are forgotten": (Notice, "UNDELIVERED", ()),
}


def slots_that_passed(now: datetime, policy: due.Policy, link: due.LinkFacts) -> due.Slot | None:
    """Whoever slept makes up for what was missed, the oldest first."""
    missed = [(day, at) for day, at in due._nominal(policy, link) if at <= now and day > (link.last_day or 0)]
    return due.Slot(missed[0][0], due._put_off(missed[0][1], policy)) if missed else None


FAULTS_OF_A_SILENT_WEEK = {
    "none": (due, "DAY", due.DAY),
    "what was missed is made up for": (due, "_slot_at", slots_that_passed),
    "mails that came back are forgotten": FAULTS["mails that came back are forgotten"],
    "mails of Mondays are not sent": (still_due, "wants", lambda now, policy, link: now.isoweekday() > 1),
}


def three_weeks(links: int, silence: range) -> tuple[list[Life], list[datetime]]:
    """In which clocks are changed in Rome and on Lord Howe."""
    dice = random.Random(7)  # noqa: S311
    return draw_lives(dice, links, range(72, 94)), draw_ticks(dice, range(80, 101), (6,), silence)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr(*FAULTS[fault])
    lives, ticks = three_weeks(300, range(0))
    assert live_through(lives, ticks, monkeypatch, sends=False) != model(lives, ticks)


@pytest.mark.parametrize("fault", FAULTS_OF_A_SILENT_WEEK)
def test_a_fault_is_noticed_in_what_went_out_around_a_silent_week(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FAULTS_OF_A_SILENT_WEEK[fault])
    lives, ticks = three_weeks(90, range(87, 94))
    sent = live_through(lives, ticks, monkeypatch, sends=True)
    assert (sent == model(lives, ticks)) is (fault == "none")
