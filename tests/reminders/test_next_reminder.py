"""The page of a link tells when its next reminder comes, or why none does."""

from datetime import timedelta

import pytest
from django.urls import reverse

from portal.models import Notice, User
from reminders.next_reminder import next_reminder
from reminders.services.policies import PolicyFields
from reminders.services.remind import remind_recipients
from sharing.models import ShareLink
from tests.conftest import SignIn
from tests.reminders.conftest import NOW, WEEK, MakeLink, SetPolicy, mailed

DAY = timedelta(days=1)


def test_the_next_reminder_is_told_until_the_last(make_link: MakeLink) -> None:
    link = make_link()
    assert next_reminder(link, NOW).startswith("The next reminder goes out on 27 Nov 2026, 18:20")
    assert next_reminder(link, NOW + WEEK) == "A reminder is due and goes out within some minutes."
    remind_recipients(now=NOW + WEEK)
    assert "4 Dec 2026, 18:20" in next_reminder(link, NOW + WEEK)
    remind_recipients(now=NOW + 4 * WEEK)
    assert next_reminder(link, NOW + 4 * WEEK) == "No reminder comes any more before the link ends."
    assert next_reminder(link, NOW + 5 * WEEK) == ""


@pytest.mark.parametrize(
    ("policy", "change", "why"),
    [
        ({"reminds": False}, {}, "turned them off"),
        ({}, {"answer": "has_it", "answered_at": NOW}, "answered that none is needed"),
        ({}, {"state": "partial", "first_taken_at": NOW}, "data were taken"),
        ({"partial_is_used": False}, {"state": "partial", "first_taken_at": NOW}, ""),
        ({"most": 1}, {}, "at most 1 for a link"),
    ],
)
def test_why_none_comes(
    make_link: MakeLink, set_policy: SetPolicy, policy: PolicyFields, change: dict[str, object], why: str
) -> None:
    link = make_link()
    remind_recipients(now=NOW + WEEK)
    set_policy(**policy)
    ShareLink.objects.update(**change)
    said = next_reminder(link, NOW + WEEK)
    assert why in said
    assert said.startswith("No reminder comes: " if why else "The next reminder")


def test_who_has_a_newer_link_or_got_no_mail_is_not_reminded(make_link: MakeLink) -> None:
    link = make_link()
    mailed(link, "bounced")
    assert "did not arrive" in next_reminder(link, NOW)
    make_link()
    assert "newer link" in next_reminder(link, NOW)


def test_the_page_of_a_link_shows_its_mails(make_link: MakeLink, bob: User, sign_in: SignIn) -> None:
    link = make_link(starts_at=NOW, expires_at=NOW + 5000 * DAY)
    remind_recipients(now=NOW + WEEK)
    mailed(link, "uncertain")
    page = sign_in(bob).get(reverse("link_terms", args=[link.pk])).text
    mails = page[page.index('id="mails"') :]
    assert mails.index("The link:") < mails.index("Reminder:")
    assert "no such user" in mails
    assert "reminder" in mails[mails.index("</ul>") :]
    assert Notice.objects.count() == 2
