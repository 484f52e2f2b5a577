"""What reminders and their copies say."""

import pytest
from django.core import mail

from portal.mail_sending import send_due_mail
from portal.mail_text import write_letter
from portal.models import Notice, Project
from reminders.mails import how_often
from reminders.services.remind import remind_recipients
from sharing.links import address_of, token_of
from sharing.models import ShareLink
from tests.reminders.conftest import NOW, WEEK, MakeLink


@pytest.fixture
def link(make_link: MakeLink) -> ShareLink:
    return make_link()


def letters() -> list[mail.EmailMultiAlternatives]:
    """To the recipient, then to the operator."""
    Project.objects.update(copy_reminders_to="project")
    remind_recipients(now=NOW + WEEK)
    send_due_mail(clock=lambda: NOW + WEEK)
    found = [letter for letter in mail.outbox if isinstance(letter, mail.EmailMultiAlternatives)]
    return sorted(found, key=lambda letter: letter.to == ["em@facility.example"])


def both_parts(letter: mail.EmailMultiAlternatives) -> list[str]:
    return [str(letter.body), str(letter.alternatives[0][0])]


def test_a_reminder_says_what_until_when_and_gives_the_same_link_again(link: ShareLink, rita: str) -> None:
    letter, _copy = letters()
    assert letter.to == [rita]
    assert letter.subject == "Reminder: your data from Krios 2 until Sunday 20 December 2026"
    for part in both_parts(letter):
        assert str(address_of(link)) in part
        assert "Lysozyme, grid 1" in part
        assert "312 files, 41.2 GB" in part.replace("\u00a0", " ").replace("&nbsp;", " ")
        assert "Sunday 20 December 2026" in part


def test_a_reminder_says_how_often_it_comes_and_whom_to_ask_to_stop(link: ShareLink) -> None:
    letter, _copy = letters()
    assert letter.reply_to == ["em@facility.example"]
    for part in both_parts(letter):
        assert "This reminder comes every week until you fetch something or the link ends." in part
        assert "To stop it, answer this mail or write to" in part
        assert "em@facility.example" in part


@pytest.mark.parametrize(
    ("days", "words"), [(1, "every day"), (7, "every week"), (10, "every 10 days"), (14, "every two weeks")]
)
def test_intervals_are_told_in_words(days: int, words: str) -> None:
    assert how_often(days) == words


def test_a_copy_says_who_was_reminded_and_opens_nothing(link: ShareLink, rita: str) -> None:
    _letter, copy = letters()
    assert copy.subject == f"{rita} was reminded of Lysozyme, grid 1"
    for part in both_parts(copy):
        assert rita in part
        assert f"/datasets/{link.dataset_id}/" in part
        assert str(token_of(link)) not in part


def test_staff_can_read_a_sent_reminder_when_its_link_is_over(link: ShareLink) -> None:
    letter, _copy = letters()
    ShareLink.objects.update(state="complete", first_taken_at=NOW, completed_at=NOW, revoked_at=NOW)
    shown = write_letter(Notice.objects.get(kind="reminder", state="sent"))
    assert shown
    assert shown.text == letter.body


def test_no_line_of_the_text_is_too_long_for_a_terminal(link: ShareLink) -> None:
    for letter in letters():
        long = [line for line in str(letter.body).splitlines() if len(line) > 75 and not line.startswith("http")]
        assert long == []
