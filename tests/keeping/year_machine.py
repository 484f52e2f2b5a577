"""The portal lives through the year of :mod:`year_of_data`, with a clock of our own, and says what came of it."""

from collections.abc import Callable, Container, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from icalendar import Calendar

from keeping.models import AskedPerson, RetentionClass
from keeping.services.answers import answer_delete, answer_keep
from keeping.services.classes import change_class
from keeping.services.deleting import delete_by_hand, restore
from keeping.services.keepings import assign_keeping, extend, hold, release_hold
from keeping.services.purging import purge_deleted
from keeping.services.retention import keep_by_the_clock
from portal.actors import SYSTEM
from portal.audit import record
from portal.errors import Conflict
from portal.link_tokens import current_key_id
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Dataset, Membership, Notice, Project, User
from sharing.models import ShareLink
from tests.keeping.conftest import a_dataset
from tests.keeping.plain_retention import done, gone, told, told_of_deletion
from tests.keeping.plain_rules import boss_of
from tests.keeping.year_of_data import DAY, OTHERS, USUAL, ZONES, Event, Life, Plan, all_events
from tests.portal.many_connections import at_once


class Machine:
    """Projects, datasets and links in the database, and what was said of them."""

    def __init__(self, lives: list[Life], monkeypatch: pytest.MonkeyPatch) -> None:
        self.lives, self.monkeypatch = lives, monkeypatch
        self.projects = {name: self.open_project(name) for name in ZONES}
        self.datasets: dict[int, Dataset] = {}
        self.links: dict[int, list[ShareLink]] = {}
        self.says: set[str] = set()

    def live_through(
        self, ticks: list[datetime], deaf: Container[datetime] = (), crowded: Container[datetime] = ()
    ) -> set[str]:
        """`deaf`: ticks at which the mail server is away; `crowded`: those at which all work in the same moment."""
        coming = all_events(self.lives)
        for now in ticks:
            while coming and coming[0].at <= now:
                event = coming.pop(0)
                self.set_clock(event.at)
                self.says.add(done(event, self.happens(event)))
            self.set_clock(now)
            self.work(now, sends=now not in deaf, together=now in crowded)
        self.read_outcome()
        return self.says

    def set_clock(self, now: datetime) -> None:
        self.clock = partial(_same, now)
        self.monkeypatch.setattr(timezone, "now", self.clock)

    def work(self, now: datetime, *, sends: bool, together: bool) -> None:
        """Two schedulers: one a few seconds after the other, or both, and four workers, in the same moment."""
        send = partial(send_due_mail, clock=self.clock, seconds=PATIENCE)
        if together:
            _all_at_once([*[partial(look, self.clock)] * 2, *[send] * 4 * sends])
        else:
            look(self.clock)
            look(partial(_same, now + timedelta(seconds=7)))
        if sends and Notice.objects.to_send().due(now).exists():
            _all_at_once([send] * 4) if together else send()

    # --- what there is ----------------------------------------------------------------------------------------------

    def open_project(self, name: str) -> Project:
        """The one on Lord Howe has no manager: its contact is told."""
        project = Project.objects.create(code=name, name=name, contact_email=boss_of(name), time_zone=ZONES[name])
        if name != "howe":
            user = User.objects.create_user(boss_of(name), None)
            Membership.objects.create(project=project, user=user, role=Membership.Role.MANAGER)
        for title, plan in {"usual": USUAL[name], **OTHERS}.items():
            RetentionClass.objects.create(project=project, name=title, is_default=title == "usual", **_columns(plan))
        return project

    def release(self, life: Life) -> None:
        at = life.released_at
        moments: dict[str, Any] = dict.fromkeys(("closed_at", "released_at", "safe_to_delete_since"), at)
        project = self.projects[life.project]
        dataset = a_dataset(project, {"a": b"1"}, name=f"run-{life.number}", **moments)
        if life.owner:
            assign_keeping(dataset=dataset, retention=None, owner=life.owner, actor=SYSTEM)
        self.datasets[life.number] = dataset
        self.links[life.number] = [
            ShareLink.objects.create(
                key_id=current_key_id(),
                dataset=dataset,
                recipient=share.person,
                occasion=f"share {number}",
                starts_at=at,
                expires_at=share.ends_at,
            )
            for number, share in enumerate(life.shares)
        ]

    # --- what people do: whether it was accepted --------------------------------------------------------------------

    def happens(self, event: Event) -> bool:
        if event.what in ZONES:
            usual = self.projects[event.what].retention_classes.get(name="usual")
            change_class(retention=usual, actor=SYSTEM, days=int(event.which))
        elif event.what == "released":
            self.release(self.lives[event.dataset])
        elif event.what in LINK_CHANGES:
            link = self.links[event.dataset][int(event.which)]
            link.refresh_from_db()
            if event.what in ("partly", "fetched", "checked"):
                record("downloaded", SYSTEM, dataset=self.datasets[event.dataset])
            ShareLink.objects.filter(pk=link.pk).update(**LINK_CHANGES[event.what](link, event.at))
        else:
            return self.is_decided(event)
        return True

    def is_decided(self, event: Event) -> bool:
        about: dict[str, Any] = {"dataset": self.datasets[event.dataset], "actor": SYSTEM}
        decide: dict[str, Callable[[], object]] = {
            "downloaded": partial(record, "downloaded", **about),
            "class": partial(self.give_class, event, about),
            "extended": partial(extend, **about, now=event.at, manages=True),
            "held": partial(hold, **about, reason="under review", now=event.at),
            "released from hold": partial(release_hold, **about),
            "deleted": partial(delete_by_hand, **about, now=event.at),
            "restored": partial(restore, **about, now=event.at),
        }
        try:
            decide.get(event.what, partial(self.answer, event))()
        except (Conflict, AskedPerson.DoesNotExist):
            return False
        return True

    def give_class(self, event: Event, about: dict[str, Any]) -> None:
        retention = RetentionClass.objects.get(project=about["dataset"].project, name=event.which)
        life = self.lives[event.dataset]
        assign_keeping(**about, retention=None if retention.is_default else retention, owner=life.owner)

    def answer(self, event: Event) -> None:
        """Whoever was never warned has no address at which to answer."""
        who, says = event.what.split()
        life = self.lives[event.dataset]
        email = life.owner if who == "owner" else life.shares[int(event.which)].person
        asked = AskedPerson.objects.select_related("keeping__dataset__project")
        answer = answer_keep if says == "keeps" else answer_delete
        answer(asked=asked.get(keeping__dataset=self.datasets[event.dataset], email=email), actor=SYSTEM, now=event.at)

    # --- what came of it --------------------------------------------------------------------------------------------

    def read_outcome(self) -> None:
        """From the letters themselves, and from the audit."""
        lives = {self.datasets[life.number].pk: life for life in self.lives if life.number in self.datasets}
        notices = {notice.message_id: notice for notice in Notice.objects.filter(state="sent")}
        assert len(mail.outbox) == len(notices)
        for letter in mail.outbox:
            notice = notices[letter.extra_headers["Message-ID"]]
            assert notice.dataset_id
            assert notice.sent_at
            about = lives[notice.dataset_id], letter.to[0], notice.sent_at
            if notice.kind == "deletion-warning":
                self.says.add(told(*about, _day_in(letter), notice.slot.partition("/")[2]))
            else:
                assert notice.kind == "dataset-deleted"
                self.says.add(told_of_deletion(*about, datetime.fromisoformat(notice.slot)))
        for event in AuditEvent.objects.filter(kind__in=ENDS):
            assert event.dataset_id
            self.says.add(gone(lives[event.dataset_id], event.at, ENDS[event.kind]))


PATIENCE = 600  # seconds: on a slow machine, too, everything is done at its tick
ENDS = {"dataset_deleted": "deleted", "dataset_purged": "purged"}
LINK_CHANGES: dict[str, Callable[[ShareLink, datetime], dict[str, object]]] = {
    "partly": lambda link, at: {"state": _further(link, "partial"), "first_taken_at": at, "last_taken_at": at},
    "fetched": lambda link, at: {"state": _further(link, "complete"), **_taken(link, at)},
    "checked": lambda link, at: {"state": "verified", **_taken(link, at), "verified_at": at},
    "has it": lambda link, at: {"answer": "has_it", "answered_at": at},
    "not theirs": lambda link, at: {"answer": "not_theirs", "answered_at": at},
    "revoked": lambda link, at: {"revoked_at": at},
    "renewed": lambda link, at: {"expires_at": link.expires_at + 20 * DAY},
}


def look(clock: Callable[[], datetime]) -> None:
    keep_by_the_clock(clock=clock)
    purge_deleted(clock=clock, seconds=PATIENCE)


def _further(link: ShareLink, state: str) -> str:
    return link.state if link.completed_at else state


def _taken(link: ShareLink, at: datetime) -> dict[str, object]:
    return {"first_taken_at": at, "last_taken_at": at, "completed_at": link.completed_at or at}


def _columns(plan: Plan) -> dict[str, Any]:
    names = {
        "days": "days", "counted": "counted_from", "early": "deletes_early", "warns": "warns_recipients",
        "grace": "grace_days", "more": "extension_days", "most": "most_extensions",
    }  # fmt: skip
    return {names[name]: value for name, value in asdict(plan).items()}


def _day_in(letter: mail.EmailMessage) -> date:
    """Of the calendar entry; the text has it, too."""
    (entry,) = Calendar.from_ical(letter.attachments[0][1]).walk("VEVENT")
    day: date = entry.decoded("dtstart")
    assert f"{day:%-d %B %Y}" in letter.body
    return day


def _all_at_once(work: Sequence[Callable[[], object]]) -> None:
    roles: SimpleQueue[Callable[[], object]] = SimpleQueue()
    for role in work:
        roles.put(role)

    def play() -> None:
        roles.get()()

    at_once(play, len(work))


def _same(now: datetime) -> datetime:
    return now
