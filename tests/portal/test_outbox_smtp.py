"""What the portal does when the mail server misbehaves, shown with a real one."""

import smtplib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from checks.ports import free_port
from portal import smtp
from portal.mail_endings import DELAYS
from portal.mail_sending import send_due_mail
from portal.models import Notice, User
from portal.outbox import Mail, queue_notice
from tests.portal.mail_server import PATIENCE, MailServer, mail_server, send_to

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
State = Notice.State


def hello(notice: Notice) -> Mail:
    return Mail("invitation", {"by": "Bob Berg", "person": User(email=notice.to), "address": "https://x.example/"})


@pytest.fixture(autouse=True)
def hello_mails(settings: Settings, db: None) -> None:
    settings.MAILS = {"hello": f"{__name__}.hello"}


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with mail_server(settings) as running:
        yield running


def queue(*addresses: str) -> None:
    for address in addresses:
        queue_notice("hello", address, subject_id=1, slot="now")


def send(now: datetime = NOW) -> dict[str, str]:
    """What became of each address."""
    send_due_mail(clock=lambda: now)
    return {to.partition("@")[0]: state for to, state in Notice.objects.values_list("to", "state")}


def test_a_mail_travels_with_its_headers_and_both_texts(server: MailServer) -> None:
    queue("rita@x.example")
    assert send() == {"rita": "sent"}
    (letter,) = server.taken["rita@x.example"]
    notice = Notice.objects.get()
    assert letter["Message-ID"] == notice.message_id
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Reply-To"] == "help@localhost"
    assert letter["Subject"] == notice.subject_line == "Your account at Labcourier"
    text, html = letter.get_body(["plain"]), letter.get_body(["html"])
    assert text
    assert html
    assert "Bob Berg made an account for you" in text.get_content()
    assert 'style="' in html.get_content()
    assert notice.sent_at == NOW


def test_lines_that_begin_with_a_dot_arrive_whole(server: MailServer, settings: Settings) -> None:
    settings.SITE_NAME = "x\n.hidden\n..twice"
    queue("rita@x.example")
    send()
    text = server.taken["rita@x.example"][0].get_body(["plain"])
    assert text
    assert "\r\n.hidden\r\n..twice" in text.get_content()


def test_one_connection_carries_a_batch(server: MailServer) -> None:
    queue(*(f"rita-{number}@x.example" for number in range(30)))
    send()
    assert server.letters == 30
    assert server.connections == 1


def test_a_greylisted_mail_goes_out_at_the_second_try(server: MailServer) -> None:
    queue("greylist@x.example")
    assert send() == {"greylist": "due"}
    assert "451 4.7.1 Greylisted" in Notice.objects.get().last_error
    assert send(NOW + timedelta(seconds=59)) == {"greylist": "due"}
    assert server.asked["greylist@x.example"] == 1
    assert send(NOW + timedelta(minutes=1)) == {"greylist": "sent"}
    assert server.letters == 1
    assert Notice.objects.get().last_error == ""


@pytest.mark.parametrize(("address", "why"), [("nobody", "550 5.1.1 No such user here"), ("spam", "554 5.7.1")])
def test_a_mail_refused_for_good_is_failed_and_says_why(server: MailServer, address: str, why: str) -> None:
    queue(f"{address}@x.example")
    assert send() == {address: "failed"}
    assert why in Notice.objects.get().last_error
    assert send(NOW + timedelta(days=1)) == {address: "failed"}
    assert server.letters == 0


@pytest.mark.parametrize("address", ["silent", "gone"])
def test_silence_after_the_text_is_uncertain_and_never_repeated(server: MailServer, address: str) -> None:
    queue(f"{address}@x.example")
    assert send() == {address: "uncertain"}
    assert "given the text but did not answer" in Notice.objects.get().last_error
    for days in range(5):
        send(NOW + timedelta(days=days))
    assert server.letters == 1


def test_repeating_uncertain_mails_would_send_them_twice(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault that the test above must notice."""
    monkeypatch.setattr(smtp, "Unknown", smtp.Postponed)
    queue("gone@x.example")
    send()
    send(NOW + timedelta(minutes=1))
    assert server.letters == 2


@pytest.mark.parametrize("address", ["hang", "cut", "full"])
def test_what_the_server_certainly_does_not_have_is_tried_again(server: MailServer, address: str) -> None:
    queue(f"{address}@x.example")
    assert send() == {address: "due"}
    notice = Notice.objects.get()
    assert notice.not_before == NOW + timedelta(minutes=1)
    assert notice.last_error


def test_a_mail_that_is_never_taken_is_given_up_after_two_days(server: MailServer) -> None:
    queue("full@x.example")
    tries, now = 0, NOW
    while send(now) == {"full": "due"}:
        tries += 1
        now = Notice.objects.get().not_before or now
    notice = Notice.objects.get()
    assert notice.state == State.FAILED
    assert notice.last_error.startswith("Given up after 48 hours. The mail server did not accept the text: 452")
    assert timedelta(hours=48) <= now - NOW < timedelta(hours=49)
    assert tries == len(DELAYS)


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_bad_addresses_never_stop_a_batch(server: MailServer, reads_ahead: bool) -> None:
    server.reads_ahead = reads_ahead
    bad = ["nobody", "cut", "gone", "greylist", "spam", "silent", "hang", "full"]
    queue(*(f"{name}@x.example" for pair in zip(bad, map("rita-{}".format, range(8)), strict=True) for name in pair))
    ended = send()
    assert {state for name, state in ended.items() if name.startswith("rita")} == {"sent"}
    assert [ended[name] for name in bad] == ["failed", "due", "uncertain", "due", "failed", "uncertain", "due", "due"]


def test_while_the_server_is_down_mails_wait_and_say_why_then_go_out(settings: Settings) -> None:
    send_to(settings, free_port())
    queue("rita@x.example", "bob@x.example")
    for minutes in range(5):
        assert send(NOW + timedelta(minutes=minutes)) == {"rita": "due", "bob": "due"}
    for notice in Notice.objects.all():
        assert "cannot be reached" in notice.last_error
        assert notice.attempts == 0
    with mail_server(settings) as server:
        assert send(NOW + timedelta(minutes=5)) == {"rita": "sent", "bob": "sent"}
        assert server.letters == 2


def test_a_server_that_says_nothing_is_a_server_that_is_down(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        send_to(settings, silent.getsockname()[1])
        settings.EMAIL_TIMEOUT = PATIENCE
        queue("rita@x.example")
        assert send() == {"rita": "due"}
    assert Notice.objects.get().last_error.endswith("timed out")


def test_a_log_in_the_server_refuses_fails_no_mail(server: MailServer, settings: Settings) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "labcourier", "wrong"
    queue("rita@x.example")
    assert send() == {"rita": "due"}
    assert "cannot be reached" in Notice.objects.get().last_error


def test_a_connection_the_server_closed_meanwhile_is_replaced(server: MailServer) -> None:
    queue("cut-1@x.example", "rita-1@x.example", "cut-2@x.example", "rita-2@x.example")
    assert [state for name, state in send().items() if name.startswith("rita")] == ["sent", "sent"]


@pytest.mark.parametrize(("hangs_up", "reads_ahead"), [(False, False), (False, True), (True, False), (True, True)])
def test_a_server_that_carries_few_mails_over_one_connection_costs_no_mail_a_try(
    server: MailServer, hangs_up: bool, reads_ahead: bool
) -> None:
    server.carries, server.hangs_up, server.reads_ahead = 2, hangs_up, reads_ahead
    queue(*(f"rita-{number}@x.example" for number in range(5)))
    assert set(send().values()) == {"sent"}
    assert server.letters == 5
    assert server.connections == 3
    assert set(Notice.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_a_server_that_wants_no_mail_even_on_a_new_connection_is_asked_later(
    server: MailServer, reads_ahead: bool
) -> None:
    server.carries, server.reads_ahead = -1, reads_ahead
    queue("rita@x.example")
    assert send() == {"rita": "due"}
    assert "421 4.7.0 Enough" in Notice.objects.get().last_error
    assert server.connections == 2


@pytest.mark.parametrize("reads_ahead", [False, True])
def test_a_mail_needs_no_more_questions_than_smtp_has(
    server: MailServer, reads_ahead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, really = list[object](), smtplib.SMTP.send

    def send_and_note(line: smtplib.SMTP, text: bytes) -> None:
        said.append(text)
        really(line, text)

    monkeypatch.setattr(smtplib.SMTP, "send", send_and_note)
    server.reads_ahead = reads_ahead
    queue("rita-1@x.example", "rita-2@x.example")
    assert set(send().values()) == {"sent"}
    assert len(said) == len(["EHLO"]) + 2 * len(["MAIL and RCPT", "DATA", "text"]) + 2 * (not reads_ahead) + len(
        ["QUIT"]
    )


def test_mail_that_others_send_uses_the_same_backend(server: MailServer) -> None:
    mail.send_mail("A new password", "Choose it here.", None, ["rita@x.example"])
    assert server.letters == 1
