"""A manager says how a project reminds, and sees on which days it would."""

import re
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from portal.audit_words import event_words
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Dataset, Instrument, Notice, Project, User
from reminders.models import ReminderPolicy
from reminders.services.policies import PolicyFields, policy_row
from reminders.services.remind import remind_recipients
from tests.conftest import SignIn
from tests.reminders.conftest import NOW, WEEK, MakeDataset, MakeLink, SetPolicy

ADDRESS = "/projects/em/reminders/"
SAID = {
    "reminds": "on",
    "every_days": "7",
    "days_before": "",
    "most": "3",
    "quiet_from": "20:00",
    "quiet_until": "07:00",
    "working_days_only": "on",
    "partial_is_used": "on",
    "words": "",
    "copies_to": "token",
    "metadata_key": "",
}


@pytest.fixture
def alices(sign_in: SignIn, alice: User, project: Project) -> Client:
    return sign_in(alice)


def dates(page: bytes) -> list[str]:
    return re.findall(r"<li>(\w+day \d+ \w+ \d{4}, \d\d:\d\d)</li>", page.decode())


def test_a_manager_says_how_the_project_reminds(alices: Client, project: Project) -> None:
    assert alices.get(ADDRESS).status_code == 200
    assert ReminderPolicy.objects.count() == 0
    assert alices.post(ADDRESS, SAID).status_code == 302
    assert alices.post(ADDRESS, SAID).status_code == 302
    row = policy_row(project)
    assert (row.most, str(row.quiet_until), row.copies_to, row.copies_daily) == (3, "07:00:00", "token", False)
    (told,) = AuditEvent.objects.filter(kind="reminder_policy_changed")
    assert told.detail["changes"]["quiet_from"] == [None, "20:00"]
    assert "how often people are reminded at most" in event_words(told)


def test_days_before_the_end_are_put_in_order_however_they_are_typed(alices: Client, project: Project) -> None:
    alices.post(ADDRESS, SAID | {"days_before": "1;14 7,7"})
    assert policy_row(project).days == (14, 7, 1)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"days_before": "soon"}, "Write days with commas between them"),
        ({"days_before": "0, 400"}, "each from 1 to 365"),
        ({"quiet_until": ""}, "Give both ends of the quiet hours"),
        ({"quiet_until": "20:00"}, "Give both ends of the quiet hours"),
        ({"copies_to": "metadata"}, "Say under which name the metadata hold the address"),
        ({"every_days": "0"}, "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_told_and_not_saved(alices: Client, wrong: dict[str, str], sentence: str) -> None:
    answer = alices.post(ADDRESS, SAID | wrong)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert ReminderPolicy.objects.count() == 0


def test_the_days_are_shown_before_they_are_saved(
    sign_in: SignIn, alice: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    friday_evening = datetime(2026, 11, 20, 19, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: friday_evening)
    Project.objects.update(time_zone="Europe/Rome")
    alices = sign_in(alice)  # her session, too, is of that evening
    assert dates(alices.get(ADDRESS).content)[0] == "Friday 27 November 2026, 20:30"
    shown = alices.post(ADDRESS, SAID | {"preview": "1"})
    assert dates(shown.content) == [
        "Monday 30 November 2026, 07:00",
        "Monday 7 December 2026, 07:00",
        "Monday 14 December 2026, 07:00",
    ]
    assert ReminderPolicy.objects.count() == 0
    assert dates(alices.post(ADDRESS, SAID | {"preview": "1", "reminds": ""}).content) == []


def test_a_zone_that_is_no_longer_known_holds_up_nobody(make_link: MakeLink, project: Project) -> None:
    Project.objects.update(time_zone="Europe/Atlantis")
    make_link()
    assert remind_recipients(now=NOW + WEEK) == 1


# --- what operators hear ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "addresses"),
    [
        ({"PI": "pi@lab.example"}, {"pi@lab.example"}),
        ({"PI": "pi@lab.example; nobody, lab@lab.example"}, {"pi@lab.example", "lab@lab.example"}),
        ({"PI": "Professor Rossi"}, {"em@facility.example"}),
        ({}, {"em@facility.example"}),
    ],
)
def test_the_address_in_the_metadata_hears_of_reminders(
    make_link: MakeLink, set_policy: SetPolicy, metadata: dict[str, str], addresses: set[str]
) -> None:
    set_policy(copies_to="metadata", metadata_key="PI")
    make_link()
    Dataset.objects.update(metadata=metadata)
    remind_recipients(now=NOW + WEEK)
    assert set(Notice.objects.filter(kind="reminder-copy").values_list("to", flat=True)) == addresses


def test_the_reminders_of_a_day_come_in_one_mail_the_next_morning(
    make_link: MakeLink, make_dataset: MakeDataset, set_policy: SetPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_policy(copies_to="token", copies_daily=True)
    other = make_dataset(title="Ribosome", operator_emails=["night@facility.example"])
    for number, dataset in enumerate([None, None, other]):
        make_link(recipient=f"r{number}@x.example", **({"dataset": dataset} if dataset else {}))
    monkeypatch.setattr(timezone, "now", lambda: NOW + WEEK)
    assert remind_recipients(now=NOW + WEEK) == 3
    assert send_due_mail(clock=timezone.now) == {"sent": 3}
    mail.outbox.clear()
    morning = (NOW + WEEK).replace(hour=7, minute=0) + WEEK / 7
    assert send_due_mail(clock=lambda: morning) == {"sent": 2}
    night, staff = sorted(mail.outbox, key=lambda letter: letter.to)[::-1]
    assert night.subject == "3 people were reminded on Friday 27 November 2026 (Electron microscopy)"
    assert "r2@x.example\nRibosome" in str(night.body)
    assert staff.subject.startswith("2 people were reminded")
    assert "Ribosome" not in str(staff.body)


def test_a_digest_that_nobody_wants_any_more_does_not_come(make_link: MakeLink, set_policy: SetPolicy) -> None:
    set_policy(copies_to="project", copies_daily=True)
    make_link()
    remind_recipients(now=NOW + WEEK)
    set_policy(copies_daily=False)
    assert send_due_mail(clock=lambda: NOW + 2 * WEEK) == {"sent": 1, "dropped": 1}


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"reminds": False}, "Not at all: this project does not remind."),
        ({"every_days": 300}, "Not at all: the link would end before the first reminder comes."),
    ],
)
def test_a_page_without_dates_says_why(
    alice: User, sign_in: SignIn, set_policy: SetPolicy, wish: PolicyFields, why: str
) -> None:
    set_policy(**wish)
    assert why in sign_in(alice).get(ADDRESS).content.decode()


def test_names_of_the_metadata_are_offered_and_the_page_tells_who_would_hear(
    alices: Client, dataset: Dataset, instrument: Instrument
) -> None:
    field = {"name": "PI", "label": "Group leader", "required": False, "choices": [], "help": ""}
    Instrument.objects.filter(pk=instrument.pk).update(metadata_template=[field])
    Dataset.objects.update(metadata={"PI": "pia@university.example"})
    assert '<option value="PI">' in alices.get(ADDRESS).text
    wish = SAID | {"copies_to": "metadata", "preview": "1"}
    page = alices.post(ADDRESS, wish | {"metadata_key": "PI"}).text
    assert "pia@university.example would hear." in page
    assert "hold no address" not in page
    page = alices.post(ADDRESS, wish | {"metadata_key": "pi"}).text
    assert "em@facility.example would hear. Its metadata hold no address under “pi”" in page
    assert ReminderPolicy.objects.count() == 0
