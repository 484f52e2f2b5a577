"""When is it full, what goes next? What is measured each day, and what the page, the CSV and the mail make of it."""

import csv
import shutil
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from portal.models import Dataset, DiskDay, Instrument, Project, StorageDay, User
from portal.storage_days import holdings, measure_day
from portal.storage_owners import by_instrument, by_project
from portal.storage_plot import plot_days
from portal.storage_report import storage_report
from portal.storage_sections import Section
from portal.storage_stores import stores
from tests.conftest import SignIn
from tests.portal.conftest import MakeDataset

GB, TB = 10**9, 10**12
DAY = timedelta(days=1)
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Disk:
    """As full as a test says."""

    used = TB

    def usage(self, _: object) -> Usage:
        return Usage(10 * TB, self.used, 10 * TB - self.used)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Disk:
    settings.MIN_FREE_BYTES = 0
    disk = Disk()
    monkeypatch.setattr(shutil, "disk_usage", disk.usage)
    return disk


@pytest.fixture
def sams(sign_in: SignIn, sam: User) -> Client:
    return sign_in(sam)


def hold(dataset: Dataset, size: int, files: int = 1, kept: int = 0) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(
        bytes_verified=size, verified_count=files, file_count=files, bytes_kept=kept
    )


def texts(section: Section) -> list[list[str]]:
    return [[cell.text.replace("\u00a0", " ") for cell in row] for row in section.rows]


def test_a_day_is_measured_once_however_often_and_by_however_many(
    disk: Disk, make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, alone = make_dataset("One"), make_dataset("Alone", instrument=None)
    hold(one, 5 * GB, files=3, kept=GB)
    hold(alone, GB)
    hold(make_dataset("Gone", state="purged"), 7 * GB)
    measure_day(NOON)
    hold(one, 50 * GB)
    rows = [*StorageDay.objects.values_list("day", "bytes_held", "files_held", "bytes_deleted")]
    measure_day(NOON + timedelta(hours=11))
    # Another scheduler looked before these rows were there.
    monkeypatch.setattr(QuerySet, "exists", lambda _: False)
    measure_day(NOON + timedelta(minutes=1))
    assert [*StorageDay.objects.values_list("day", "bytes_held", "files_held", "bytes_deleted")] == rows
    assert sorted(rows) == [(date(2026, 11, 20), GB, 1, 0), (date(2026, 11, 20), 6 * GB, 3, 7 * GB)]
    assert DiskDay.objects.get().used == TB


def test_a_portal_that_slept_leaves_a_gap_and_no_byte_is_lost_in_it(disk: Disk, make_dataset: MakeDataset) -> None:
    dataset = make_dataset()
    for days_ago, size in ((9, 1), (8, 3), (3, 13), (2, 14)):
        hold(dataset, size * GB)
        measure_day(NOON - days_ago * DAY)
    hold(dataset, 20 * GB)
    plot = plot_days(NOON - DAY, list(holdings()))
    assert [(day.day, came // GB) for day, came, *_ in plot.rows] == [(17, 1), (11, 2)]
    assert (plot.missing, plot.missed) == (7, 16 * GB)
    assert [str(each) for each in StorageDay.objects.values_list("day", flat=True)][-1] == "2026-11-11"


def test_what_came_and_went_is_told_by_project_and_instrument(
    disk: Disk, make_dataset: MakeDataset, instrument: Instrument
) -> None:
    xray = Project.objects.create(code="xray", name="X-ray", contact_email="x@facility.example")
    krios, deleted, alone = make_dataset(), make_dataset("Old", state="released"), make_dataset("A", instrument=None)
    other = make_dataset("Other", project=xray, instrument=None)
    for dataset, size in ((krios, 10), (deleted, 4), (alone, 1), (other, 2)):
        hold(dataset, size * GB)
    measure_day(NOON - 100 * DAY)
    hold(krios, 12 * GB, files=7)
    measure_day(NOON - 40 * DAY)
    hold(krios, 15 * GB, files=8)
    Dataset.objects.filter(pk=deleted.pk).update(state="purged")
    measure_day(NOON)
    assert texts(by_project(NOON)) == [
        ["Electron microscopy", "16.0 GB", "9", "3.00 GB", "4.00 GB", "+1.00 GB"],
        ["X-ray", "2.00 GB", "1", "0 B", "0 B", "0 B"],
    ]
    assert texts(by_instrument(NOON)) == [
        ["Krios 2 (Electron microscopy)", "15.0 GB", "8", "3.00 GB", "4.00 GB", "+1.00 GB"],
        ["sent by people, without an instrument", "3.00 GB", "2", "0 B", "0 B", "0 B"],
    ]
    assert "30 days are counted from 11 Oct 2026, 90 days from 12 Aug 2026" in by_project(NOON).lead


def test_a_store_says_until_when_there_is_room(disk: Disk, dataset: Dataset, settings: Settings) -> None:
    settings.STORES = {}
    assert texts(stores(NOON))[0][-1] == "not known yet (it takes a week of measurements)"
    for days_ago in range(20, -1, -1):
        disk.used = 5 * TB - days_ago * 100 * GB
        measure_day(NOON - days_ago * DAY)
    Dataset.objects.update(store="gone", bytes_verified=3 * GB)
    local, gone = texts(stores(NOON))
    assert local == [
        "local", "0 B", "5.00 TB", "5.00 TB", "+100 GB", "+2.00 TB in 20 d", "+2.00 TB in 20 d", "about 9 Jan 2027"
    ]  # fmt: skip
    assert gone[:2] == ["gone", "3.00 GB"]
    assert "does not tell" in gone[-1]
    disk.used = 10 * TB
    assert storage_report(NOON).figures[0].tone == "bad"


def test_the_page_shows_plots_with_their_tables(sams: Client, disk: Disk, make_dataset: MakeDataset) -> None:
    now = timezone.now()
    bad = make_dataset("Bad <b>")
    Dataset.objects.update(corrupt_count=2)
    for days_ago in (12, 11, 10, 4, 3, 2, 1, 0):
        disk.used = TB - days_ago * GB
        hold(bad, (30 - days_ago) * GB)
        measure_day(now - days_ago * DAY)
    page = sams.get("/staff/storage/").content.decode()
    for expected in (
        "plot-trend",
        "The numbers of each day",
        "Corrupt files",
        "Bad &lt;b&gt;",
        "Krios 2",
        "not measured",
    ):
        assert expected in page
    assert page.count('class="plot-line"') == 3  # two runs, and the key


def test_both_files_are_exact_and_run_no_formula(
    sams: Client, disk: Disk, make_dataset: MakeDataset, project: Project
) -> None:
    Project.objects.filter(pk=project.pk).update(name="=1+1")
    hold(make_dataset(), 1234567, files=3)
    measure_day(NOON)
    tables = list(csv.DictReader(lines_of(sams, "/staff/storage.csv")))
    (held,) = [row for row in tables if row["table"] == "By project" and row["column"] == "In datasets"]
    assert (held["row"], held["number"]) == ("'=1+1", "1234567")
    days = list(csv.reader(lines_of(sams, "/staff/storage-days.csv")))
    assert days[1:] == [["2026-11-20", "2026-11-20T12:00:00Z", "em", "krios-2", "3", "1234567", "0"]]


def lines_of(client: Client, address: str) -> list[str]:
    answer = client.get(address)
    assert "attachment" in answer.headers["Content-Disposition"]
    return b"".join(answer).decode().splitlines()


def test_the_report_asks_the_same_however_much_there_is(
    sams: Client, disk: Disk, make_dataset: MakeDataset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_dataset()
    measure_day(timezone.now())
    with CaptureQueriesContext(connection) as asked:
        sams.get("/staff/storage/")
    for number in range(12):
        project = Project.objects.create(code=f"p{number}", name=f"P {number}", contact_email="x@facility.example")
        instrument = Instrument.objects.create(project=project, name=f"I {number}", slug=f"i-{number}")
        make_dataset(f"Old {number}", project=project, instrument=instrument, state="released")
        measure_day(timezone.now() - number * DAY)
    with django_assert_num_queries(len(asked)):
        sams.get("/staff/storage/")
    assert len(asked) < 35
