"""Members hear of downloads in a mail each, in one digest a day, or never; their digest says each thing once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal.digests import DIGEST, KEPT_FOR, day_of, forget_old_lines, morning_after, tell_of_download
from portal.mail_text import write_letter
from portal.models import AuditEvent, Dataset, DigestLine, Membership, Notice, Project, User

KIND = "dataset-released"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def dataset(project: Project) -> Dataset:
    return Dataset.objects.create(
        project=project, client_key="1", sender="user:1", name="run-1", title="Lysozyme <1>", state="released",
        closed_at=NOON, released_at=NOON,
    )  # fmt: skip


def wish(person: User, told: str) -> None:
    Membership.objects.filter(user=person).update(told_of_downloads=told)


def tell(dataset: Dataset, said: str, *addresses: str, now: datetime = NOON, slot: str = "x") -> None:
    tell_of_download(KIND, addresses, dataset=dataset, said=said, subject_id=dataset.pk, slot=slot, now=now)


def mails() -> list[tuple[str, str]]:
    return list(Notice.objects.order_by("kind", "to", "slot").values_list("kind", "to"))


@pytest.mark.parametrize(
    ("zone", "now", "day", "morning"),
    [
        ("", "2026-11-21T12:00", "2026-11-21", "2026-11-22T07:00"),
        ("Europe/Rome", "2026-11-21T22:59", "2026-11-21", "2026-11-22T06:00"),
        ("Europe/Rome", "2026-11-21T23:00", "2026-11-22", "2026-11-23T06:00"),
        ("Europe/Rome", "2026-10-24T12:00", "2026-10-24", "2026-10-25T06:00"),  # summer time ends in between
        ("Europe/Rome", "2027-03-27T12:00", "2027-03-27", "2027-03-28T05:00"),  # and begins
        ("Pacific/Auckland", "2026-11-21T12:00", "2026-11-22", "2026-11-22T18:00"),
        ("America/Los_Angeles", "2026-11-21T07:59", "2026-11-20", "2026-11-21T15:00"),
    ],
)
def test_a_day_and_the_morning_after_it_are_those_where_the_person_is(
    zone: str, now: str, day: str, morning: str
) -> None:
    person = User(email="alice@facility.example", time_zone=zone)
    found = day_of(person, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == date.fromisoformat(day)
    assert morning_after(person, found) == datetime.fromisoformat(morning).replace(tzinfo=UTC)


def test_each_member_is_told_as_wished_and_everybody_else_as_ever(dataset: Dataset, alice: User, bob: User) -> None:
    wish(alice, "daily")
    wish(bob, "never")
    everybody = ["Alice@Facility.example", "bob@facility.example", "em-staff@facility.example"]
    for _ in range(2):
        tell(dataset, "released", *everybody)
    assert mails() == [(KIND, "em-staff@facility.example"), (DIGEST, "alice@facility.example")]
    assert DigestLine.objects.get().person == alice
    wish(bob, "each")
    tell(dataset, "released", *everybody)
    assert (KIND, "bob@facility.example") in mails()


def test_who_is_no_member_of_this_project_is_told_as_ever(dataset: Dataset, alice: User) -> None:
    wish(alice, "never")
    Membership.objects.update(project=Project.objects.create(code="x", name="X", contact_email="x@facility.example"))
    tell(dataset, "released", alice.email)
    assert mails() == [(KIND, alice.email)]


def test_a_day_is_one_mail_that_says_each_thing_once(dataset: Dataset, alice: User) -> None:
    wish(alice, "daily")
    for number in range(3):
        for slot in ("first", "complete"):
            tell(dataset, f"r{number}@x.example has everything", alice.email, slot=f"{slot} {number}")
    tell(dataset, "tomorrow's", alice.email, now=NOON + timedelta(days=1), slot="later")
    first, second = Notice.objects.filter(kind=DIGEST).order_by("slot")
    assert first.not_before == morning_after(alice, date(2026, 11, 21))
    letter = write_letter(first)
    assert letter is not None
    assert letter.subject == "3 pieces of news about your data, 21 November 2026"
    for text in (letter.text, letter.html):
        assert [text.count(f"r{number}@x.example has everything") for number in range(3)] == [1, 1, 1]
        assert "tomorrow" not in text
    assert "Lysozyme &lt;1&gt;" in letter.html
    assert reverse("mail_wishes") in letter.text
    wish(alice, "never")
    assert write_letter(second) is None
    assert forget_old_lines(NOON + KEPT_FOR) == 0
    assert forget_old_lines(NOON + KEPT_FOR + timedelta(days=1)) == 6


def test_a_member_chooses_on_a_page_for_their_own_projects_alone(project: Project, alice: User, bob: User) -> None:
    client = Client()
    client.force_login(alice)
    mine, theirs = Membership.objects.get(user=alice), Membership.objects.get(user=bob)
    page = reverse("mail_wishes")
    assert project.name in client.get(page).content.decode()
    assert client.post(page, {f"project-{mine.pk}": "hourly"}).status_code == 422
    sent = {f"project-{mine.pk}": "daily", f"project-{theirs.pk}": "never"}
    for _ in range(2):
        assert client.post(page, sent).status_code == 302
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.told_of_downloads, theirs.told_of_downloads) == ("daily", "mine")
    assert AuditEvent.objects.get(kind="mails_wished").detail == {"told": "everything, one digest a day"}
