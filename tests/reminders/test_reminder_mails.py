"""What reminders and their copies say."""

import re
from typing import Any

import pytest
from django.core import mail

from portal.mail_sending import send_due_mail
from portal.mail_text import write_letter
from portal.models import Notice, Project
from reminders.mails import how_often
from reminders.models import ReminderPolicy
from reminders.services.remind import remind_recipients
from sharing.links import address_of, token_of
from sharing.models import ShareLink
from tests.reminders.conftest import NOW, WEEK, MakeLink, SetPolicy


@pytest.fixture
def link(make_link: MakeLink, set_policy: SetPolicy) -> ShareLink:
    set_policy(copies_to="project")
    return make_link()


def letters() -> list[mail.EmailMultiAlternatives]:
    """To the recipient, then to the operator."""
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


def test_a_reminder_says_how_often_it_comes_and_how_to_stop_it(link: ShareLink) -> None:
    letter, _copy = letters()
    assert letter.reply_to == ["em@facility.example"]
    for part in both_parts(letter):
        said = " ".join(part.split())
        assert "This reminder comes every week, until you fetch something or the link ends." in said
        assert f"{address_of(link)}/i-have-it" in part
        assert f"{address_of(link)}/not-me" in part
        assert "em@facility.example" in part


def test_words_of_the_project_are_words_and_no_template(link: ShareLink, set_policy: SetPolicy) -> None:
    set_policy(words="Fetch <b>them</b> before {{ until }}.\n{% now 'Y' %} & goodbye")
    letter, _copy = letters()
    text, html = both_parts(letter)
    assert "Fetch <b>them</b> before {{ until }}.\n{% now 'Y' %} & goodbye" in text
    assert "Fetch &lt;b&gt;them&lt;/b&gt; before {{ until }}.<br>{% now 'Y' %} &amp; goodbye" in html


def test_whoever_may_go_on_after_a_part_is_told_so(link: ShareLink, set_policy: SetPolicy) -> None:
    set_policy(partial_is_used=False)
    ShareLink.objects.update(state="partial", first_taken_at=NOW)
    letter, _copy = letters()
    for part in both_parts(letter):
        said = " ".join(part.split())
        assert "A part of them was fetched" in said
        assert "until you fetch everything or the link ends" in said


def test_a_zip_that_the_link_does_not_give_is_not_offered(link: ShareLink) -> None:
    ShareLink.objects.update(ways=["files"])
    letter, _copy = letters()
    assert ".zip" not in str(letter.body)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"every_days": 1}, "every day"),
        ({"every_days": 7}, "every week"),
        ({"every_days": 10}, "every 10 days"),
        ({"every_days": 14}, "every two weeks"),
        ({"days_before": "14, 7, 1"}, "14, 7 and 1 days before the link ends"),
        ({"days_before": "1"}, "1 day before the link ends"),
    ],
)
def test_intervals_are_told_in_words(said: dict[str, Any], words: str) -> None:
    assert how_often(ReminderPolicy(**said)) == words


def test_a_copy_says_who_was_reminded_and_opens_nothing(link: ShareLink, rita: str) -> None:
    _letter, copy = letters()
    assert copy.subject == f"{rita} was reminded of Lysozyme, grid 1"
    for part in both_parts(copy):
        assert rita in part
        assert f"/datasets/{link.dataset_id}/" in part
        assert str(token_of(link)) not in part


def test_staff_can_read_a_sent_reminder_when_its_link_is_over(link: ShareLink) -> None:
    letter, _copy = letters()
    later = NOW + 2 * WEEK
    ShareLink.objects.update(state="complete", first_taken_at=later, completed_at=later, revoked_at=later)
    shown = write_letter(Notice.objects.get(kind="reminder", state="sent"))
    assert shown
    assert shown.text == letter.body


def test_no_line_of_the_text_is_too_long_for_a_terminal(link: ShareLink) -> None:
    for letter in letters():
        long = [line for line in str(letter.body).splitlines() if len(line) > 75 and not line.startswith("http")]
        assert long == []


def test_days_and_times_are_those_of_the_project_and_the_mail_says_so(link: ShareLink) -> None:
    Project.objects.update(time_zone="Pacific/Auckland")  # thirteen hours ahead in summer
    letter, copy = letters()
    assert letter.subject == "Reminder: your data from Krios 2 until Monday 21 December 2026"
    assert "21 Nov 2026, 07:20" in str(copy.body)
    for part in (*both_parts(letter), *both_parts(copy)):
        assert "Monday 21 December 2026" in part
        assert "Days and times are those of Pacific/Auckland." in part


def test_a_digest_is_of_a_day_of_the_project(link: ShareLink, set_policy: SetPolicy) -> None:
    Project.objects.update(time_zone="Pacific/Auckland")
    set_policy(copies_daily=True)
    letters()
    Notice.objects.filter(kind="reminder").update(created_at=NOW + WEEK)
    digest = write_letter(Notice.objects.get(kind="reminder-digest"))
    assert digest
    assert "1 person was reminded on Saturday 28 November 2026." in " ".join(digest.text.split())


def test_a_digest_counts_those_who_were_reminded_and_says_of_the_others_why_not(
    make_link: MakeLink, set_policy: SetPolicy
) -> None:
    set_policy(copies_to="project", copies_daily=True)
    for state in Notice.State.values:
        make_link(recipient=f"{state}@x.example")
    remind_recipients(now=NOW + WEEK)
    for state in Notice.State.values:
        Notice.objects.filter(kind="reminder", to=f"{state}@x.example").update(
            state=state, last_error="no such user", sent_at=NOW, bounced_at=NOW, leased_until=NOW, created_at=NOW + WEEK
        )
    digest = write_letter(Notice.objects.get(kind="reminder-digest"))
    assert digest
    assert digest.subject.startswith("2 people were reminded")
    assert "4 reminders have not arrived" in digest.text.replace("\u00a0", " ")
    rows = re.findall(r"<li>(\w+)@x.example: <a[^>]+>[^<]+</a>(?: \(([^)]+)\))?</li>", digest.html)
    assert rows == [
        ("due", "waits to be sent"),
        ("claimed", "waits to be sent"),
        ("failed", "did not arrive: no such user"),
        ("bounced", "did not arrive: no such user"),
        ("sent", ""),
        ("uncertain", "perhaps delivered"),
    ]
    Notice.objects.filter(kind="reminder").update(state="dropped")
    assert write_letter(Notice.objects.get(kind="reminder-digest")) is None
