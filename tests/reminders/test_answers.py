"""A recipient says from the mail that they have the data, or that these are not theirs."""

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.audit_words import event_words
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Notice, User
from reminders.services.remind import remind_recipients
from sharing.links import address_of
from sharing.models import ShareLink
from tests.conftest import SignIn
from tests.reminders.conftest import WEEK, MakeLink

ANSWERS = {"i-have-it": "has_it", "not-me": "not_theirs", "no-reminders": "no_reminders"}


@pytest.fixture
def link(make_link: MakeLink) -> ShareLink:
    now = timezone.now()
    return make_link(starts_at=now - WEEK, expires_at=now + WEEK)


def path_of(link: ShareLink, answer: str) -> str:
    return f"/s/{str(address_of(link)).rpartition('/')[2]}/{answer}"


@pytest.mark.parametrize("answer", ANSWERS)
def test_looking_at_the_page_changes_nothing_and_a_click_stops_the_reminders(link: ShareLink, answer: str) -> None:
    client = Client()
    for ask in (client.get, client.head):
        assert ask(path_of(link, answer)).status_code == 200
    link.refresh_from_db()
    assert (link.answer, AuditEvent.objects.count()) == ("", 0)
    said = client.post(path_of(link, answer))
    link.refresh_from_db()
    assert link.answer == ANSWERS[answer]
    assert "No more reminders come for this link" in said.content.decode()
    assert remind_recipients(now=timezone.now()) == 0


def test_without_an_answer_the_same_link_would_be_reminded_of(link: ShareLink) -> None:
    assert remind_recipients(now=timezone.now()) == 1


def test_an_answer_drops_a_reminder_that_has_not_gone_out(link: ShareLink) -> None:
    remind_recipients(now=timezone.now())
    Client().post(path_of(link, "i-have-it"))
    assert send_due_mail(clock=timezone.now) == {"dropped": 1}


def test_an_answer_holds_for_the_other_links_of_the_recipient_too(link: ShareLink, make_link: MakeLink) -> None:
    make_link(starts_at=link.starts_at, expires_at=link.expires_at)
    Client().post(path_of(link, "i-have-it"))
    assert remind_recipients(now=timezone.now()) == 0


def test_an_answer_is_told_on_the_dataset_page_in_the_audit_and_to_programs(
    link: ShareLink, sign_in: SignIn, alice: User
) -> None:
    Client().post(path_of(link, "i-have-it"))
    Client().post(path_of(link, "i-have-it"))
    assert [event_words(event) for event in AuditEvent.objects.all()] == ["says they have it"]
    assert "says they have it" in sign_in(alice).get(f"/datasets/{link.dataset_id}/").content.decode()
    assert "says they have it" in sign_in(alice).get(f"/links/{link.pk}/").content.decode()
    told = sign_in(alice).get(f"/api/v1/me/datasets/{link.dataset_id}/receipts").json()["links"][0]
    assert (told["answer"], told["answered_at"] is None) == ("has_it", False)
    assert mail.outbox == []


def test_who_is_the_wrong_person_is_told_of_once(link: ShareLink, rita: str) -> None:
    for answer in ("not-me", "i-have-it", "not-me"):
        Client().post(path_of(link, answer))
    assert set(Notice.objects.values_list("kind", "to")) == {
        ("not-theirs", "em-staff@facility.example"),
        ("not-theirs", "night@facility.example"),
    }
    send_due_mail(clock=timezone.now)
    assert {letter.subject for letter in mail.outbox} == {f"{rita} says Lysozyme, grid 1 is not theirs"}
    assert all(f"/links/{link.pk}/" in str(letter.body) for letter in mail.outbox)


def test_whoever_shared_it_hears_of_the_wrong_person_themselves(link: ShareLink, bob: User) -> None:
    ShareLink.objects.update(created_by=bob)
    Client().post(path_of(link, "not-me"))
    assert Notice.objects.get().to == bob.email


def test_a_link_with_a_password_takes_an_answer_but_names_nothing(link: ShareLink) -> None:
    ShareLink.objects.update(password_hash=make_password("grüne Wiese 7"))
    client = Client()
    for answered in (client.get(path_of(link, "not-me")), client.post(path_of(link, "not-me"))):
        assert answered.status_code == 200
        assert "Lysozyme" not in answered.content.decode()
    link.refresh_from_db()
    assert link.answer == "not_theirs"


def test_a_mail_program_stops_the_reminders_with_one_click(link: ShareLink) -> None:
    remind_recipients(now=timezone.now())
    send_due_mail(clock=timezone.now)
    address = path_of(link, "no-reminders")
    assert mail.outbox[0].message()["List-Unsubscribe"].endswith(f"{address}>")
    program = Client(enforce_csrf_checks=True)
    assert program.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    link.refresh_from_db()
    assert link.answer == "no_reminders"
    assert program.post(path_of(link, "not-me")).status_code == 403


def test_nobody_answers_for_a_link_that_has_ended(link: ShareLink) -> None:
    ShareLink.objects.update(revoked_at=timezone.now())
    assert Client().post(path_of(link, "i-have-it")).status_code == 410
    link.refresh_from_db()
    assert link.answer == ""
