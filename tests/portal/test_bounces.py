"""Mail that comes back: what servers report, how it gets here, and what becomes of the mail's row."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django.fixtures import Settings

from checks.ports import free_port
from portal.actors import Actor
from portal.bounce_mailbox import read_returned_mail
from portal.bounce_reports import parse_report
from portal.figures import undelivered
from portal.models import AuditEvent, Notice, ReturnMailbox, User
from portal.outbox import new_notice
from portal.services.bounces import Noted, note_report
from portal.services.outbox import try_again
from portal.signatures import signature_of
from portal.tasks import read_returned_mail_task
from tests.conftest import SignIn
from tests.portal import bounce_samples as samples
from tests.portal.mailbox_server import PASSWORD, MailboxServer, mailbox_server

NOW = datetime(2026, 11, 20, 18, 25, tzinfo=UTC)
SECRET = "whsec_" + "c2VjcmV0" * 8
State = Notice.State


@pytest.fixture
def notice(db: None) -> Notice:
    notice = new_notice("dataset-ready", "rita@university.example", subject_id=1, slot="made")
    notice.message_id, notice.state, notice.sent_at = samples.OUR_ID, State.SENT, NOW
    notice.save()
    return notice


@pytest.fixture(scope="module")
def running_mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailboxServer]:
    with mailbox_server(tmp_path_factory.mktemp("mailbox")) as server:
        yield server


@pytest.fixture
def mailbox(running_mailbox: MailboxServer) -> MailboxServer:
    running_mailbox.empty()
    return running_mailbox


def put_back(notice: Notice, mail: str = samples.POSTFIX) -> Noted:
    report = parse_report(mail.encode())
    assert report
    outcome = note_report(report=report, now=NOW)
    notice.refresh_from_db()
    return outcome


def test_a_mail_that_is_sent_back_says_why_and_is_audited(notice: Notice) -> None:
    assert put_back(notice) == Noted.YES
    assert (notice.state, notice.bounced_at, notice.sent_at) == (State.BOUNCED, NOW, NOW)
    assert notice.last_error == "The mail was sent back: 550 5.1.1 <rita@university.example>: no such person"
    event = AuditEvent.objects.get(kind="mail_sent_back")
    assert (event.subject, event.detail["reason"]) == (notice.to, notice.last_error)


def test_the_same_report_again_changes_nothing(notice: Notice) -> None:
    put_back(notice)
    put_back(notice, samples.EXIM)
    assert "no such person" in notice.last_error
    assert AuditEvent.objects.filter(kind="mail_sent_back").count() == 1


def test_a_mail_that_is_late_stays_sent_and_the_delay_is_noted(notice: Notice) -> None:
    assert put_back(notice, samples.POSTFIX_LATE) == Noted.YES
    assert notice.state == State.SENT
    assert "is late and goes on trying: 4.4.1" in notice.last_error


@pytest.mark.parametrize(
    ("before", "after"), [("uncertain", "bounced"), ("due", "bounced"), ("failed", "failed"), ("dropped", "dropped")]
)
def test_only_what_may_have_gone_out_can_come_back(notice: Notice, before: str, after: str) -> None:
    Notice.objects.update(state=before, last_error="before")
    put_back(notice)
    assert notice.state == after


def test_a_report_that_overtakes_the_worker_comes_again(notice: Notice) -> None:
    Notice.objects.update(state="claimed", leased_until=NOW)
    assert put_back(notice) == Noted.EARLY
    assert notice.state == State.CLAIMED


def test_what_is_about_no_mail_of_ours_changes_nothing(notice: Notice) -> None:
    Notice.objects.update(message_id="<another@x.example>")
    assert put_back(notice) == Noted.UNKNOWN
    assert notice.state == State.SENT


def test_staff_can_send_again_what_came_back(notice: Notice, sam: User, sign_in: SignIn) -> None:
    put_back(notice)
    client = sign_in(sam)
    page = client.get(f"/staff/mail/{notice.pk}/").text
    assert "It was sent back" in page
    assert "no such person" in page
    assert client.post(f"/staff/mail/{notice.pk}/send-again").status_code == 302
    notice.refresh_from_db()
    assert (notice.state, notice.bounced_at) == (State.DUE, None)


def test_the_mailbox_is_read_and_what_is_no_report_is_left_for_a_person(notice: Notice, mailbox: MailboxServer) -> None:
    mailbox.receive(samples.POSTFIX, samples.ABSENT, samples.POSTFIX.replace(samples.OUR_ID, "<other@x.example>"))
    assert read_returned_mail(url=mailbox.url, now=NOW) == {"noted": 1, "other": 1, "unknown": 1}
    notice.refresh_from_db()
    assert notice.state == State.BOUNCED
    assert mailbox.flags() == [{r"\Seen"}, {r"\Seen", r"\Flagged"}, {r"\Seen"}]
    assert read_returned_mail(url=mailbox.url, now=NOW) == {}
    assert ReturnMailbox.objects.get().read_at == NOW


def test_a_mailbox_is_read_by_tls_if_its_certificate_is_right(
    notice: Notice, mailbox: MailboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.receive(samples.POSTFIX)
    assert read_returned_mail(url=f"{mailbox.url}?tls=1", now=NOW) == {}
    assert "certificate verify failed" in ReturnMailbox.objects.get().trouble
    monkeypatch.setenv("SSL_CERT_FILE", str(mailbox.authority))
    assert read_returned_mail(url=f"{mailbox.url}?tls=1", now=NOW) == {"noted": 1}
    assert ReturnMailbox.objects.get().trouble == ""


def test_a_report_that_came_too_early_is_read_again(notice: Notice, mailbox: MailboxServer) -> None:
    mailbox.receive(samples.POSTFIX)
    Notice.objects.update(state="claimed", leased_until=NOW)
    assert read_returned_mail(url=mailbox.url, now=NOW) == {"early": 1}
    Notice.objects.update(state="sent")
    assert read_returned_mail(url=mailbox.url, now=NOW) == {"noted": 1}


@pytest.mark.parametrize(
    "url", ["imap://returns:wrong@127.0.0.1:{port}", "imap://returns:{password}@127.0.0.1:{port}/Nowhere"]
)
def test_a_mailbox_that_refuses_is_shown_to_staff(
    url: str, mailbox: MailboxServer, sam: User, sign_in: SignIn, settings: Settings
) -> None:
    settings.BOUNCE_MAILBOX = url.format(port=mailbox.port, password=quote(PASSWORD, safe=""))
    assert read_returned_mail(url=settings.BOUNCE_MAILBOX, now=NOW) == {}
    box = ReturnMailbox.objects.get()
    assert box.trouble
    assert "wrong" not in f"{box.address}{box.trouble}"
    page = sign_in(sam).get("/staff/mail/").text
    assert "The mailbox of returned mails cannot be read" in page
    assert escape(box.trouble) in page


def test_a_mailbox_that_is_away_is_shown_until_it_is_back(mailbox: MailboxServer, settings: Settings, db: None) -> None:
    settings.BOUNCE_MAILBOX = f"imap://returns:x@127.0.0.1:{free_port()}"
    read_returned_mail_task()
    assert "refused" in ReturnMailbox.objects.get().trouble
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings.BOUNCE_MAILBOX = f"imaps://returns:x@127.0.0.1:{other.getsockname()[1]}"
        other.close()
        read_returned_mail_task()
    settings.BOUNCE_MAILBOX = mailbox.url
    read_returned_mail_task()
    assert ReturnMailbox.objects.get(trouble="").read_at


def test_without_a_mailbox_nothing_is_read(settings: Settings, db: None) -> None:
    settings.BOUNCE_MAILBOX = ""
    read_returned_mail_task()
    assert not ReturnMailbox.objects.exists()


def report(
    body: bytes, kind: str = "application/json", *, secret: str = SECRET, age: float = 0
) -> tuple[int, dict[str, int]]:
    stamp = str(int((timezone.now() - timedelta(seconds=age)).timestamp()))
    signed = {
        "webhook-id": "1",
        "webhook-timestamp": stamp,
        "webhook-signature": signature_of(secret, "1", stamp, body),
    }
    answer = Client(enforce_csrf_checks=True).post("/api/v1/bounces", body, content_type=kind, headers=signed)
    return answer.status_code, answer.json()


def told(**fields: str) -> bytes:
    return json.dumps({"bounces": [{"message_id": samples.OUR_ID, **fields}]}).encode()


def test_a_service_reports_by_a_signed_call(notice: Notice, settings: Settings) -> None:
    settings.BOUNCE_SECRET = SECRET
    assert report(told(status="5.1.1", reason="no such person")) == (200, {"noted": 1, "unknown": 0, "early": 0})
    notice.refresh_from_db()
    assert (notice.state, notice.last_error) == (State.BOUNCED, "The mail was sent back: 5.1.1 no such person")


def test_a_script_hands_over_the_returned_mail_itself(notice: Notice, settings: Settings) -> None:
    settings.BOUNCE_SECRET = SECRET
    assert report(samples.POSTFIX.encode(), "message/rfc822")[1]["noted"] == 1
    assert report(samples.ABSENT.encode(), "message/rfc822")[0] == 422
    notice.refresh_from_db()
    assert notice.state == State.BOUNCED


@pytest.mark.parametrize(
    ("kept", "secret", "age", "status"),
    [
        ("", SECRET, 0, 404),
        (SECRET, SECRET[:-4] + "AAAA", 0, 401),
        (SECRET, SECRET, 400, 401),
        (SECRET, SECRET, -400, 401),
    ],
)
def test_nobody_else_is_heard(
    notice: Notice, settings: Settings, kept: str, secret: str, age: float, status: int
) -> None:
    settings.BOUNCE_SECRET = kept
    assert report(told(), secret=secret, age=age)[0] == status
    notice.refresh_from_db()
    assert notice.state == State.SENT


def test_a_call_without_a_signature_or_sense_is_refused(notice: Notice, settings: Settings) -> None:
    settings.BOUNCE_SECRET = SECRET
    bare = Client().post("/api/v1/bounces", told(), content_type="application/json")
    assert (bare.status_code, bare.json()["code"]) == (401, "signature_wrong")
    assert report(told(reason="\0 no\0 such\r\nperson"))[1]["noted"] == 1
    for body in (b"", b"[]", b'{"bounces": [{}]}', told(action="lost")):
        assert report(body)[0] == 422


def test_what_was_sent_back_and_sent_again_can_come_back_again(notice: Notice, sam: User) -> None:
    put_back(notice)
    try_again(notice=notice, actor=Actor.of_user(sam), now=NOW)
    Notice.objects.update(state="sent", sent_at=NOW)
    put_back(notice, samples.EXIM)
    assert "mailbox is full" in notice.last_error


def test_staff_see_how_many_mails_are_in_trouble(notice: Notice) -> None:
    put_back(notice)
    assert [figure.value for figure in undelivered(NOW) if figure.label == "Mails in trouble"] == ["1"]
