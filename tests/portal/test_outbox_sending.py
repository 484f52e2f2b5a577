"""What becomes of a mail on the portal's side: written, dropped, postponed, tried again."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from portal.actors import Actor
from portal.errors import Conflict
from portal.mail_sending import send_due_mail
from portal.mail_text import Letter, message_of
from portal.models import AuditEvent, Notice, User
from portal.outbox import Mail, new_notice, queue_notice, queue_notices
from portal.services.outbox import try_again
from tests.conftest import Bells

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
State = Notice.State


def hello(notice: Notice) -> Mail | None:
    if notice.to.startswith("over"):
        return None
    if notice.to.startswith("broken"):
        raise KeyError("link")
    person = User(email=notice.to, name=notice.context.get("name", ""))
    return Mail("invitation", {"by": "Bob & Bea", "person": person, "address": "https://x.example/"}, ["em@x.example"])


@pytest.fixture(autouse=True)
def hello_mails(settings: Settings, db: None) -> None:
    settings.MAILS = {"hello": f"{__name__}.hello"}


def queue(*addresses: str) -> None:
    queue_notices(new_notice("hello", address, subject_id=1, slot="now") for address in addresses)


def send(now: datetime = NOW) -> dict[str, int]:
    return dict(send_due_mail(clock=lambda: now))


def test_a_mail_for_the_same_occasion_is_queued_once() -> None:
    queue("rita@x.example")
    queue("rita@x.example")
    assert send() == {"sent": 1}
    queue("rita@x.example")
    assert send() == {}


def test_a_queued_mail_rings_for_a_worker_and_the_worker_sends_it(
    bells: Bells, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queue("rita@x.example")
    assert bells == [("portal.tasks.send_due_mail_task", ())]
    bells.run()
    assert len(mail.outbox) == 1


def test_a_mail_waits_for_its_time() -> None:
    queue_notice("hello", "rita@x.example", subject_id=1, slot="now", not_before=NOW + timedelta(hours=1))
    assert send() == {}
    assert send(NOW + timedelta(hours=1)) == {"sent": 1}


def test_a_mail_nobody_needs_any_more_is_dropped() -> None:
    queue("over@x.example")
    assert send() == {"dropped": 1}
    assert mail.outbox == []


def test_a_mail_that_cannot_be_written_stops_no_other_and_says_why() -> None:
    queue("broken@x.example", "rita@x.example")
    assert send() == {"due": 1, "sent": 1}
    notice = Notice.objects.get(to="broken@x.example")
    assert notice.last_error == "The mail could not be written: KeyError: 'link'"
    assert notice.not_before == NOW + timedelta(minutes=1)


def test_only_the_html_is_escaped_and_a_subject_is_one_line(settings: Settings) -> None:
    settings.SITE_NAME = "Light & Matter\r\nBcc: all@x.example"
    queue("rita@x.example")
    send()
    (letter,) = mail.outbox
    assert isinstance(letter, mail.EmailMultiAlternatives)
    assert letter.subject == "Your account at Light & Matter Bcc: all@x.example"
    assert "Bob & Bea made an account" in str(letter.body)
    assert "Bob &amp; Bea made an account" in str(letter.alternatives[0][0])
    assert letter.recipients() == ["rita@x.example"]
    assert letter.reply_to == ["em@x.example"]


def test_mails_of_a_portal_on_one_machine_are_files(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    queue("rita@x.example", "bob@x.example")
    assert send() == {"sent": 2}
    text = "".join(file.read_text() for file in (tmp_path / "mail").iterdir())
    assert re.findall("^To: (.*)$", text, re.MULTILINE) == ["rita@x.example", "bob@x.example"]
    assert set(Notice.objects.values_list("message_id", flat=True)) == set(
        re.findall("^Message-ID: (.*)$", text, re.MULTILINE)
    )


def test_a_backend_without_stages_that_fails_leaves_an_uncertain_mail(settings: Settings) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.FailingBackend"
    queue("rita@x.example")
    assert send() == {"uncertain": 1}
    assert "OSError: disk full" in Notice.objects.get().last_error
    assert send(NOW + timedelta(days=1)) == {}


class FailingBackend(BaseEmailBackend):
    def send_messages(self, messages: object) -> int:
        raise OSError("disk full")


def test_a_stopped_worker_gives_back_what_it_had_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object) -> None:
        raise SystemExit

    monkeypatch.setattr("portal.mail_sending.begin_body", stop)
    queue("rita@x.example", "bob@x.example")
    with pytest.raises(SystemExit):
        send()
    assert list(Notice.objects.values_list("state", "attempts", "claimed_by")) == [("due", 0, "")] * 2


def test_each_mail_costs_the_same_few_queries() -> None:
    def cost(count: int) -> int:
        queue(*(f"rita-{count}-{number}@x.example" for number in range(count)))
        with CaptureQueriesContext(connection) as queries:
            assert send() == {"sent": count}
        return sum("SAVEPOINT" not in query["sql"] for query in queries)  # of the transactions within a test's

    one, eleven = cost(1), cost(11)
    assert eleven - one == 2 * 10


@pytest.mark.parametrize("state", [State.FAILED, State.UNCERTAIN])
def test_staff_can_have_a_stuck_mail_sent_again(state: State, sam: User) -> None:
    queue("rita@x.example")
    Notice.objects.update(state=state, attempts=20, last_error="550 no", claimed_by="somebody", body_began_at=NOW)
    notice = Notice.objects.get()
    try_again(notice=notice, actor=Actor.of_user(sam), now=NOW)
    event = AuditEvent.objects.get(kind="mail_tried_again")
    assert (event.actor, event.subject, event.detail["was"]["state"]) == (sam.email, "rita@x.example", state)
    assert send() == {"sent": 1}
    assert mail.outbox[0].extra_headers["Message-ID"] == notice.message_id


@pytest.mark.parametrize("state", [State.DUE, State.CLAIMED, State.SENT, State.DROPPED])
def test_other_mails_are_not_sent_again(state: State, sam: User) -> None:
    queue("rita@x.example")
    Notice.objects.update(state=state, sent_at=NOW, leased_until=NOW)
    with pytest.raises(Conflict, match="Only one that failed, was sent back or is uncertain"):
        try_again(notice=Notice.objects.get(), actor=Actor.of_user(sam), now=NOW)
    assert Notice.objects.get().state == state


@pytest.mark.parametrize(
    "wrong", [{"state": "claimed"}, {"state": "sent"}, {"state": "failed"}, {"state": "uncertain"}]
)
def test_the_database_refuses_a_state_without_what_belongs_to_it(wrong: dict[str, str]) -> None:
    queue("rita@x.example")
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.update(**wrong)


def test_a_kind_nobody_knows_cannot_be_queued() -> None:
    with pytest.raises(LookupError, match="'howdy' is not in"):
        queue_notice("howdy", "rita@x.example", subject_id=1, slot="now")


def test_what_cannot_be_delivered_goes_back_to_an_address_of_its_own(settings: Settings) -> None:
    settings.BOUNCE_ADDRESS = "returns@facility.example"
    queue("rita@x.example")
    send()
    (letter,) = mail.outbox
    assert letter.from_email == "returns@facility.example"
    assert letter.message()["From"] == settings.DEFAULT_FROM_EMAIL
    assert letter.message()["List-Unsubscribe"] is None, "nobody is sent this one again and again"


@pytest.mark.parametrize(
    ("unsubscribe", "preferences", "address", "one_click"),
    [
        ("", "", None, None),
        ("https://x.example/1", "", "<https://x.example/1>", "List-Unsubscribe=One-Click"),
        ("", "https://x.example/2", "<https://x.example/2>", None),
    ],
)
def test_mail_programs_learn_how_to_stop_what_comes_again_and_again(
    unsubscribe: str, preferences: str, address: str | None, one_click: str | None
) -> None:
    notice = new_notice("hello", "rita@x.example", subject_id=1, slot="now")
    letter = Letter("News", "text", "<p>text</p>", [], unsubscribe=unsubscribe, preferences=preferences)
    message = message_of(notice, letter).message()
    assert message["List-Unsubscribe"] == address
    assert message["List-Unsubscribe-Post"] == one_click
