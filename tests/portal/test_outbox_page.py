"""The staff's outbox page."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from portal.models import AuditEvent, Notice, User
from portal.outbox import Attachment, Mail, new_notice, queue_notices
from tests.conftest import MakeUser, SignIn

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
TOKEN = "A" * 22 + "b-_9" * 5 + "cd"
LIST = "/staff/mail/"


def hello(notice: Notice) -> Mail | None:
    if notice.to.startswith("over"):
        return None
    if notice.to.startswith("broken"):
        raise KeyError("link")
    address = f"https://x.example/s/{TOKEN}/data.zip"
    return Mail("invitation", {"by": "Bob", "person": User(email=notice.to), "address": address})


@pytest.fixture(autouse=True)
def hello_mails(settings: Settings) -> None:
    settings.MAILS = {"hello": f"{__name__}.hello", "good-bye": f"{__name__}.hello"}


@pytest.fixture
def staff(sam: User, sign_in: SignIn) -> Client:
    return sign_in(sam)


def queue(address: str, kind: str = "hello", **columns: object) -> Notice:
    notice = new_notice(kind, address, subject_id=1, slot="now")
    queue_notices([notice])
    Notice.objects.filter(message_id=notice.message_id).update(**columns)
    return Notice.objects.get(message_id=notice.message_id)


def stuck(address: str = "rita@x.example", state: str = "failed") -> Notice:
    return queue(address, state=state, last_error="550 5.1.1 No such user here", attempts=1)


PAGES: list[Callable[[Notice], str]] = [
    lambda notice: LIST,
    lambda notice: reverse("staff_mail_one", args=[notice.pk]),
    lambda notice: reverse("staff_mail_send_again", args=[notice.pk]),
]


@pytest.mark.parametrize("page", PAGES)
def test_only_staff_find_the_outbox(
    page: Callable[[Notice], str], client: Client, alice: User, sign_in: SignIn
) -> None:
    address = page(stuck())
    for method in ("get", "post"):
        assert getattr(client, method)(address).headers["Location"] == f"/accounts/login/?next={address}"
        assert getattr(sign_in(alice), method)(address).status_code == 404
    assert Notice.objects.get().state == "failed"


def test_the_list_says_of_each_mail_whether_it_went_out(staff: Client) -> None:
    stuck()
    queue("bob@x.example", state="sent", sent_at=NOW, subject_line="Your data <1>")
    page = staff.get(LIST).text
    assert page.index("bob@x.example") < page.index("rita@x.example")
    assert "Your data &lt;1&gt;" in page
    assert "550 5.1.1 No such user here" in page
    assert 'class="state state-bad"' in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=failed", ["failed@x.example"]),
        ("kind=good-bye", ["bye@x.example"]),
        ("address=Bye@x.example", ["bye@x.example"]),
        ("address=bye", []),
        ("address=bye@x.example", ["bye@x.example"]),
        ("since=2026-11-20", ["failed@x.example", "bye@x.example"]),
        ("until=2026-11-19", ["old@x.example"]),
        ("since=2026-11-19&until=2026-11-19&state=due", ["old@x.example"]),
        ("since=yesterday", ["failed@x.example", "bye@x.example", "old@x.example"]),
    ],
)
def test_filters_stay_in_the_address(staff: Client, query: str, found: list[str]) -> None:
    queue("old@x.example", created_at=NOW - timedelta(days=1))
    queue("bye@x.example", kind="good-bye", created_at=NOW)
    Notice.objects.filter(pk=stuck("failed@x.example").pk).update(created_at=NOW)
    page = staff.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert [notice.to for notice, _kind in page.context["rows"]] == found


def test_pages_follow_by_key_and_keep_the_filter(staff: Client) -> None:
    queue_notices(new_notice("hello", f"rita-{n}@x.example", subject_id=1, slot="now") for n in range(120))
    seen: list[str] = []
    page = staff.get(f"{LIST}?state=due")
    while cursor := page.context["page"].older:
        seen += [notice.to for notice, _kind in page.context["rows"]]
        assert f'href="?state=due&amp;before={cursor}"' in page.text
        page = staff.get(f"{LIST}?state=due&before={cursor}")
    seen += [notice.to for notice, _kind in page.context["rows"]]
    assert seen == [f"rita-{n}@x.example" for n in reversed(range(120))]


def test_the_list_counts_nothing_and_costs_the_same_however_long(staff: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            staff.get(LIST)
        assert not any("COUNT(" in query["sql"] for query in queries)
        return len(queries)

    queue("first@x.example")
    few = cost()
    queue_notices(new_notice("hello", f"rita-{n}@x.example", subject_id=1, slot="now") for n in range(120))
    assert cost() == few


def test_a_mail_shows_its_text_without_the_secret_of_its_link(staff: Client) -> None:
    page = staff.get(reverse("staff_mail_one", args=[stuck().pk])).text
    assert "Bob made an account for you" in page
    assert "https://x.example/s/…/data.zip" in page
    assert TOKEN not in page
    assert "550 5.1.1 No such user here" in page


def test_the_page_shows_the_mail_as_its_recipient_sees_it_but_nothing_in_it_works(
    staff: Client, settings: Settings
) -> None:
    settings.MAILS = {"hello": f"{__name__}.with_calendar"}
    notice = queue("rita@x.example", slot="day 14")
    page = staff.get(reverse("staff_mail_one", args=[notice.pk]))
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    (address,) = re.findall(r'<iframe[^>]* sandbox=""[^>]* src="([^"]+)"', page.text)
    assert "deletion.ics" in page.text
    assert "day 14" in page.text
    seen = staff.get(address)
    assert "/s/…/data.zip" in seen.text
    assert TOKEN not in seen.text
    policy = seen.headers["Content-Security-Policy"]
    assert policy == "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def test_a_mail_without_words_has_nothing_to_be_seen(staff: Client) -> None:
    assert staff.get(reverse("staff_mail_as_seen", args=[stuck("over@x.example").pk])).status_code == 404


def with_calendar(notice: Notice) -> Mail | None:
    mail = hello(notice)
    return replace(mail, attachments=[Attachment("deletion.ics", "text/calendar", b"")]) if mail else None


def test_staff_cannot_choose_the_password_of_somebody_they_invited(
    staff: Client, make_user: MakeUser, settings: Settings
) -> None:
    settings.MAILS = {"invitation": "portal.mails.invitation"}
    person = make_user("new@x.example")
    person.set_unusable_password()
    person.save()
    notice = new_notice("invitation", person.email, subject_id=person.pk, slot="now")
    notice.save()
    page = staff.get(reverse("staff_mail_one", args=[notice.pk])).text
    assert "Choose one here" in page
    assert "/password/reset/key/…" in page
    assert not re.search("/password/reset/key/[a-z0-9]", page)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("over@x.example", "there is no text any more"),
        ("broken@x.example", "cannot be written at the moment: KeyError"),
    ],
)
def test_a_mail_without_a_text_says_why(staff: Client, address: str, sentence: str) -> None:
    assert sentence in staff.get(reverse("staff_mail_one", args=[stuck(address).pk])).text


def test_looking_at_a_mail_changes_nothing(staff: Client) -> None:
    stuck()
    before = Notice.objects.values().get()
    staff.get(reverse("staff_mail_one", args=[before["id"]]))
    assert Notice.objects.values().get() == before


def test_try_again_makes_the_mail_due_and_is_audited(staff: Client, sam: User) -> None:
    notice = stuck(state="uncertain")
    assert "Trying again may bring the mail twice" in staff.get(reverse("staff_mail_one", args=[notice.pk])).text
    page = staff.post(reverse("staff_mail_send_again", args=[notice.pk]), follow=True)
    assert "The mail to rita@x.example will be sent again within a minute." in page.text
    assert Notice.objects.get().state == "due"
    assert AuditEvent.objects.get(kind="mail_tried_again").actor == sam.email


def test_a_mail_that_was_sent_meanwhile_is_not_sent_again(staff: Client) -> None:
    notice = queue("rita@x.example", state="sent", sent_at=NOW)
    assert "Try again" not in staff.get(reverse("staff_mail_one", args=[notice.pk])).text
    answer = staff.post(reverse("staff_mail_send_again", args=[notice.pk]))
    assert answer.status_code == 409
    assert "This mail is sent." in answer.text


def test_following_a_link_sends_nothing(staff: Client) -> None:
    assert staff.get(reverse("staff_mail_send_again", args=[stuck().pk])).status_code == 405


def test_a_mail_that_is_not_there_is_404(staff: Client, db: None) -> None:
    assert staff.get("/staff/mail/12345678901234567890123/").status_code == 404


def test_an_empty_outbox_says_what_will_come(staff: Client) -> None:
    assert "No mail yet" in staff.get(LIST).text
    assert "No mail fits" in staff.get(f"{LIST}?state=sent").text
