"""The storage report by mail: one a slot to each who wants it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.mail_sending import send_due_mail
from portal.models import DiskDay, Notice, User
from portal.storage_days import measure_day
from portal.storage_mail import KIND, queue_storage_reports, slot_day
from tests.conftest import MakeUser, SignIn
from tests.portal.conftest import MakeDataset

MONDAY = datetime.fromisoformat("2026-11-16T00:00:00+00:00")
HOUR = timedelta(hours=1)
NINE = MONDAY + 9 * HOUR


@pytest.fixture
def there(db: None) -> None:
    """The portal has been there for some weeks."""
    measure_day(MONDAY - timedelta(days=20))


@pytest.mark.parametrize(
    ("how_often", "moment", "day"),
    [
        ("daily", "2026-11-20T06:59:59+00:00", "2026-11-19"),
        ("daily", "2026-11-20T07:00:00+00:00", "2026-11-20"),
        ("weekly", "2026-11-20T07:00:00+00:00", "2026-11-16"),
        ("weekly", "2026-11-16T06:59:59+00:00", "2026-11-09"),
        ("weekly", "2026-11-16T07:00:00+00:00", "2026-11-16"),
        ("weekly", "2026-11-22T23:59:00+00:00", "2026-11-16"),
    ],
)
def test_a_report_is_due_at_seven(how_often: str, moment: str, day: str) -> None:
    assert slot_day(how_often, datetime.fromisoformat(moment)).isoformat() == day


def test_seven_is_seven_where_the_portal_is_in_summer_and_in_winter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "get_default_timezone", lambda: ZoneInfo("Europe/Rome"))
    for moment, day in [
        ("2026-03-28T05:59:00+00:00", "2026-03-27"),
        ("2026-03-28T06:00:00+00:00", "2026-03-28"),
        ("2026-03-29T04:59:00+00:00", "2026-03-28"),
        ("2026-03-29T05:00:00+00:00", "2026-03-29"),
    ]:
        assert slot_day("daily", datetime.fromisoformat(moment)).isoformat() == day


def test_two_schedulers_mail_each_of_the_staff_once_a_week(
    there: None, sam: User, bob: User, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user("silent@facility.example", is_staff=True, gets_storage_report=False)
    make_user("gone@facility.example", is_staff=True, is_active=False)
    # No look sees what another scheduler has just written: the constraint alone is left.
    exists = QuerySet.exists
    monkeypatch.setattr(QuerySet, "exists", lambda rows: rows.model is not Notice and exists(rows))
    for hour in range(24 * 15):
        for _ in range(2):
            queue_storage_reports(MONDAY + hour * HOUR)
    assert [*Notice.objects.order_by("pk").values_list("to", "slot")] == [
        (sam.email, slot) for slot in ("2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30")
    ]


def test_a_portal_that_slept_sends_one_and_a_new_one_waits_for_its_first_slot(sam: User, settings: Settings) -> None:
    settings.STORAGE_REPORT = "daily"
    measure_day(MONDAY + 8 * HOUR)
    queue_storage_reports(MONDAY + 9 * HOUR)
    assert not Notice.objects.exists()
    queue_storage_reports(MONDAY + 21 * 24 * HOUR)
    assert Notice.objects.get().slot == "2026-12-06"
    settings.STORAGE_REPORT = "never"
    queue_storage_reports(MONDAY + 31 * 24 * HOUR)
    assert Notice.objects.count() == 1


def test_text_and_html_tell_the_same_and_how_to_stop_it(there: None, sam: User, make_dataset: MakeDataset) -> None:
    for number in range(12):
        dataset = make_dataset(f"Grid <{number}>")
        type(dataset).objects.filter(pk=dataset.pk).update(corrupt_count=number + 1)
    queue_storage_reports(NINE)
    send_due_mail(clock=lambda: NINE)
    (sent,) = mail.outbox
    assert isinstance(sent, EmailMultiAlternatives)
    html = str(sent.alternatives[0][0])
    assert sent.subject.startswith("Storage: ")
    assert "full: not known yet" in sent.subject
    for expected in ("By project", "Electron microscopy", "and 2 more", "/staff/storage/#mail", "every Monday"):
        assert expected.casefold() in " ".join(str(sent.body).split()).casefold()
        assert expected in html
    assert "- Grid <11> (corrupt)" in sent.body
    assert "Grid &lt;11&gt;" in html
    assert max(map(len, str(sent.body).splitlines())) < 100


def test_who_switched_it_off_is_not_mailed_even_what_was_queued(there: None, sam: User, sign_in: SignIn) -> None:
    queue_storage_reports(NINE)
    sams = sign_in(sam)
    page = sams.post("/staff/storage/mail", {"wanted": "no"}, follow=True).content.decode()
    assert "not mailed the report any more" in page
    send_due_mail(clock=lambda: NINE)
    assert Notice.objects.get(kind=KIND).state == Notice.State.DROPPED
    sams.post("/staff/storage/mail", {"wanted": "yes"})
    assert User.objects.get(pk=sam.pk).gets_storage_report
    assert DiskDay.objects.exists()
