"""Many workers, doubled ticks and killed workers: each mail goes out once, or is shown as uncertain."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from portal import mail_endings, mail_sending
from portal.mail_claims import BATCH, LEASE, ClaimLost, Clock, begin_body, claim, due_ids, settle_abandoned
from portal.mail_sending import send_due_mail
from portal.models import Notice, User
from portal.outbox import Mail, new_notice, queue_notices
from tests.portal.mail_server import MailServer, mail_server
from tests.portal.many_connections import at_once, database_url, shared_database

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
WORKERS = 12  # three beats that tick at once, four workers for each
MAILS = 100
State = Notice.State


def hello(notice: Notice) -> Mail:
    return Mail("invitation", {"by": "Bob Berg", "person": User(email=notice.to), "address": "https://x.example/"})


@pytest.fixture
def server(transactional_db: None, tmp_path: Path, settings: Settings) -> Iterator[MailServer]:
    settings.MAILS = settings.MAILS | {"hello": f"{__name__}.hello"}
    with shared_database(tmp_path), mail_server(settings) as running:
        yield running


def queue(*addresses: str) -> None:
    queue_notices(new_notice("hello", address, subject_id=1, slot="now") for address in addresses)


def test_twelve_workers_at_once_send_each_mail_once(server: MailServer) -> None:
    queue(*(f"rita-{number}@x.example" for number in range(MAILS)))
    at_once(lambda: send_due_mail(clock=lambda: NOW), WORKERS)
    assert Notice.objects.filter(state=State.SENT, attempts=1).count() == MAILS
    assert server.letters == len(server.taken) == MAILS


def test_without_claims_mails_would_come_twice(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault that the test above must notice."""
    monkeypatch.setattr(mail_sending, "claim", lambda ids, now: list(Notice.objects.filter(pk__in=ids)))
    monkeypatch.setattr(mail_sending, "begin_body", lambda notice, clock: None)
    queue(*(f"rita-{number}@x.example" for number in range(BATCH)))
    at_once(lambda: send_due_mail(clock=lambda: NOW), WORKERS)
    assert server.letters > BATCH


def test_no_two_who_want_the_same_mails_get_the_same(server: MailServer) -> None:
    queue(*(f"rita-{number}@x.example" for number in range(BATCH)))
    wanted, taken = due_ids(NOW), list[list[Notice]]()
    at_once(lambda: taken.append(claim(wanted, now=NOW)), 4)
    ids = [notice.pk for batch in taken for notice in batch]
    assert len(ids) == len(set(ids)) == BATCH


def test_a_worker_that_lost_its_lease_does_not_begin(server: MailServer) -> None:
    queue("rita@x.example")
    (slow,) = claim(due_ids(NOW), now=NOW)
    settle_abandoned(now=NOW + LEASE)
    with pytest.raises(ClaimLost):
        begin_body(slow, lambda: NOW + LEASE)
    assert Notice.objects.get().state == State.DUE


def test_what_was_not_begun_when_a_worker_died_is_sent_by_another(server: MailServer) -> None:
    queue("rita@x.example")
    claim(due_ids(NOW), now=NOW)
    send_due_mail(clock=lambda: NOW + LEASE - timedelta(seconds=1))
    assert server.letters == 0
    send_due_mail(clock=lambda: NOW + LEASE)
    assert server.letters == 1


def test_the_word_of_a_worker_believed_dead_still_counts(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin_slowly(notice: Notice, clock: Clock) -> None:
        begin_body(notice, clock)
        settle_abandoned(now=NOW + 2 * LEASE)
        assert Notice.objects.get().state == State.UNCERTAIN

    monkeypatch.setattr(mail_sending, "begin_body", begin_slowly)
    queue("rita@x.example")
    send_due_mail(clock=lambda: NOW)
    notice = Notice.objects.get()
    assert (notice.state, notice.last_error) == (State.SENT, "")


@pytest.mark.parametrize(("prompt", "before"), [(60, [0, 1, 1, 1]), (-1, [0, 0, 0, 0])])
def test_a_worker_that_dies_would_leave_at_most_one_uncertain_mail(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, prompt: int, before: list[int]
) -> None:
    """What was sent may be recorded with the next text; that of a slow server is at once."""
    begun = Notice.objects.filter(state=State.CLAIMED, body_began_at__isnull=False)
    found, at_once_committed = list[int](), list[int]()

    def begin_and_count(notice: Notice, clock: Clock) -> None:
        at_once(lambda: at_once_committed.append(begun.count()), 1)
        begin_body(notice, clock)
        found.append(begun.count())

    monkeypatch.setattr(mail_endings, "PROMPT", prompt)
    monkeypatch.setattr(mail_sending, "begin_body", begin_and_count)
    queue(*(f"rita-{number}@x.example" for number in range(4)))
    send_due_mail(clock=lambda: NOW)
    assert found == [1] * 4
    assert at_once_committed == before
    assert Notice.objects.filter(state=State.SENT, sent_at=NOW).count() == 4


def test_a_lost_lease_leaves_the_mail_before_sent(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    really, late = mail_sending._deliver, ["rita-1@x.example"]

    def deliver_late(post: Any, message: EmailMessage, before_body: Callable[[], None]) -> None:
        if message.to == late:
            late.clear()
            settle_abandoned(now=NOW + LEASE)
        really(post, message, before_body)

    monkeypatch.setattr(mail_endings, "PROMPT", 60)
    monkeypatch.setattr(mail_sending, "_deliver", deliver_late)
    queue(*(f"rita-{number}@x.example" for number in range(3)))
    send_due_mail(clock=lambda: NOW)
    assert list(Notice.objects.order_by("pk").values_list("state", flat=True)) == ["sent"] * 3
    assert server.letters == len(server.taken) == 3


def test_a_worker_killed_while_the_server_has_the_text_leaves_an_uncertain_mail(
    server: MailServer, tmp_path: Path
) -> None:
    for address in ("silent@x.example", "rita@x.example"):
        person = User.objects.create_user(address)
        queue_notices([new_notice("invitation", address, subject_id=person.pk, slot="now")])
    with worker_process(server.port, tmp_path) as worker:
        wait_for(lambda: server.letters == 1)
        worker.kill()
    send_due_mail(clock=lambda: datetime.now(UTC) + LEASE)
    assert dict(Notice.objects.values_list("to", "state")) == {
        "silent@x.example": "uncertain",
        "rita@x.example": "sent",
    }
    assert server.letters == 2


@contextmanager
def worker_process(mail_port: int, var: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of its own that sends what is due; killed at the end if it still runs."""
    env = os.environ | {
        "LABCOURIER_DATABASE_URL": database_url(),
        "LABCOURIER_EMAIL_URL": f"smtp://127.0.0.1:{mail_port}",
        "LABCOURIER_VAR": str(var),
    }
    worker = subprocess.Popen([sys.executable, "manage.py", "send_mail"], cwd=settings.BASE_DIR, env=env)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "that did not happen in time"
        time.sleep(0.01)
