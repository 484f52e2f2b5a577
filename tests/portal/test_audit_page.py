"""Who took what: found by every filter, plotted, exported; never counted, never skipped through."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.audit_csv import harmless
from portal.audit_plot import nice_ceiling, plot_accesses
from portal.models import AuditEvent, Dataset, Project, User
from tests.conftest import SignIn
from tests.portal.conftest import MakeDataset

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
RITA = Actor("recipient", "7", "rita@university.example", "198.51.100.9", "curl/8.10")


@pytest.fixture
def sams(sign_in: SignIn, sam: User) -> Client:
    return sign_in(sam)


@pytest.fixture
def taken(make_dataset: MakeDataset) -> Dataset:
    """A dataset of which Rita took the zip, in part; and something else that happened."""
    dataset = make_dataset("Ribosome")
    record("project_changed", Actor("user", "1", "alice@facility.example"), project=dataset.project, at=NOON)
    record("dataset_closed", SYSTEM, dataset=dataset, at=NOON + timedelta(hours=1), files=3, bytes=5)
    record(
        "downloaded", RITA, dataset=dataset, at=NOON + timedelta(days=1), bytes=41_234, complete=False,
        subject=f"{dataset.name}.zip", what="zip", start=0, counted=True,
    )  # fmt: skip
    return dataset


Shown = Callable[..., list[str]]


@pytest.fixture
def shown(sams: Client) -> Shown:
    """What the rows say, for a filter."""

    def rows(**query: str) -> list[str]:
        page = unescape(sams.get(f"/staff/audit/?{urlencode(query)}").content.decode())
        cells = re.findall(r'data-label="What"[^>]*>(.*?)(?:<div|</td>)', page, re.DOTALL)
        return [re.sub(r"\s+", " ", cell).strip() for cell in cells]

    return rows


DOWNLOADED, CLOSED, CHANGED = (
    "downloaded everything as a zip",
    "closed the dataset: 3 files, 5 B",
    "changed of the project",
)


def test_the_page_says_who_what_when_from_where_and_how_much(sams: Client, taken: Dataset) -> None:
    page = unescape(sams.get("/staff/audit/").content.decode())
    row = next(row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if "downloaded everything" in row)
    for words in ("rita@university.example", "21 Nov 2026", "198.51.100.9", "curl/8.10", taken.name, "41.2", "partial"):
        assert words in row


def test_each_filter_finds_what_it_names(shown: Shown, taken: Dataset) -> None:
    assert len(shown()) == 3
    assert shown(person="rita@university.example") == [DOWNLOADED]
    assert shown(kind="downloaded") == [DOWNLOADED]
    assert shown(dataset=taken.name) == shown(dataset=str(taken.pk))
    assert len(shown(dataset=taken.name)) == 2
    assert len(shown(project="em")) == 3
    assert shown(project="other") == []
    assert shown(since="2026-11-21") == [DOWNLOADED]
    assert len(shown(until="2026-11-20")) == 2
    assert shown(until="2026-11-20", kind="downloaded") == []
    assert shown(dataset="no such dataset") == []
    assert shown(since="2026-12-24") == []


@pytest.mark.parametrize(
    "query", ["since=never", "kind=nonsense", "person=%00", "dataset=%00", "until=9999-12-31", "since=0001-01-01"]
)
def test_odd_filters_break_nothing(sams: Client, sam: User, taken: Dataset, query: str) -> None:
    sam.time_zone = "Pacific/Kiritimati"
    sam.save()
    assert sams.get(f"/staff/audit/?{query}").status_code == 200
    assert sams.get(f"/staff/audit.csv?{query}").status_code == 200


def test_events_stored_a_little_out_of_order_are_found_by_their_day(shown: Shown, project: Project) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    for seconds in (30, -20, 10, -40):
        record("project_changed", SYSTEM, project=project, at=midnight + timedelta(seconds=seconds))
    assert len(shown(since="2026-11-20", until="2026-11-20")) == 2
    assert len(shown(until="2026-11-19")) == 2


def test_pages_are_walked_by_key_with_a_bounded_number_of_queries(
    sams: Client, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(120):
        record("project_changed", SYSTEM, project=project, at=NOON + timedelta(seconds=number))
    address, rows = "/staff/audit/?project=em&since=2026-11-01", 0
    while address:
        with django_assert_max_num_queries(9) as asked:
            page = unescape(sams.get(address).content.decode())
        events = [query["sql"] for query in asked.captured_queries if "portal_auditevent" in query["sql"]]
        assert not [sql for sql in events if "OFFSET" in sql]
        assert not [sql for sql in events if "COUNT" in sql and "GROUP BY" not in sql]
        rows += page.count('data-label="What"')
        older = re.findall(r'rel="next" href="([^"]+)"', page)
        assert not older or "project=em" in older[0]
        address = f"/staff/audit/{older[0]}" if older else ""
    assert rows == 120


# --- the plot -------------------------------------------------------------------------------------------------------


def test_the_plot_counts_downloads_by_day_and_way_in_one_grouped_query(
    taken: Dataset, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for what, hours in (("zip", 24), ("zip", 25), ("file", 26), ("manifest", 54)):
        record("downloaded", RITA, dataset=taken, at=NOON + timedelta(hours=hours), what=what, start=0, counted=True)
    with django_assert_num_queries(3) as asked:  # two bounds of the window, and the grouped query
        plot = plot_accesses(AuditEvent.objects.all(), date(2026, 11, 22), days=3)
    assert "GROUP BY" in asked.captured_queries[-1]["sql"]
    assert plot.rows == [
        (date(2026, 11, 20), [0, 0, 0], 0),
        (date(2026, 11, 21), [3, 1, 0], 4),
        (date(2026, 11, 22), [0, 0, 1], 1),
    ]
    assert plot.total == 5
    assert len(plot.bars) == 3


def test_the_plot_leaves_out_what_lies_outside_its_window(taken: Dataset) -> None:
    assert plot_accesses(AuditEvent.objects.all(), date(2026, 11, 20)).total == 0
    assert plot_accesses(AuditEvent.objects.all(), date(2026, 11, 21)).total == 1
    assert plot_accesses(AuditEvent.objects.all(), date(2026, 12, 20)).total == 1
    assert plot_accesses(AuditEvent.objects.all(), date(2026, 12, 21)).total == 0


def test_a_download_in_five_ranges_is_one_and_a_scanner_is_none(dataset: Dataset) -> None:
    for start in range(0, 50, 10):
        record("downloaded", RITA, dataset=dataset, at=NOON, what="zip", start=start, counted=True)
    record("downloaded", RITA, dataset=dataset, at=NOON, what="zip", start=0, counted=False)
    assert plot_accesses(AuditEvent.objects.all(), date(2026, 11, 20)).total == 1


def test_bars_stand_on_each_other_inside_the_drawing(dataset: Dataset) -> None:
    for what in ("zip", "zip", "file"):
        record("downloaded", RITA, dataset=dataset, at=NOON, what=what, start=0, counted=True)
    plot = plot_accesses(AuditEvent.objects.all(), date(2026, 11, 20), days=2)
    lower, upper = plot.bars
    assert lower.y + lower.height == pytest.approx(plot.bottom, abs=0.2)
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.2)
    assert upper.y >= 0


@pytest.mark.parametrize(("number", "top"), [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (101, 200)])
def test_the_axis_ends_on_a_round_number_with_a_whole_half(number: int, top: int) -> None:
    assert nice_ceiling(number) == top
    assert top % 2 == 0


def test_the_plot_has_a_table_behind_it(sams: Client, taken: Dataset) -> None:
    page = sams.get("/staff/audit/?until=2026-11-21").content.decode()
    assert "<svg viewBox" in page
    assert "<summary>The numbers</summary>" in page
    assert "21 Nov 2026</th>" in page


# --- CSV ------------------------------------------------------------------------------------------------------------


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/staff/audit.csv{query}")
    assert "attachment" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_the_export_has_the_rows_of_the_filter(sams: Client, taken: Dataset) -> None:
    (row,) = exported(sams, "?kind=downloaded")
    assert row["who"] == "rita@university.example"
    assert row["when (UTC)"] == "2026-11-21T12:00:00.000+00:00"
    assert (row["bytes"], row["complete"], row["from where"]) == ("41234", "no", "198.51.100.9")
    assert row["in words"] == "downloaded everything as a zip"


def test_the_export_gives_every_event_once_in_batches(
    sams: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.audit_csv.BATCH", 7)
    for _ in range(30):
        record("project_changed", SYSTEM, project=project)
    numbers = [int(row["number"]) for row in exported(sams, "?kind=project_changed")]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 30


def test_taking_the_audit_away_is_an_event_itself(sams: Client, taken: Dataset) -> None:
    exported(sams, "?project=em&kind=")
    event = AuditEvent.objects.get(kind="audit_exported")
    assert (event.actor, event.detail) == ("sam@facility.example", {"filters": {"project": "em"}})


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_cells_that_a_spreadsheet_would_run_are_made_harmless(sams: Client, project: Project, cell: str) -> None:
    record("link_made", Actor("recipient", "1", cell), project=project, subject=cell)
    (row,) = exported(sams, "?kind=link_made")
    assert row["subject"] == f"'{cell}"
    assert row["who"] == f"'{cell}"
    assert harmless("a=b") == "a=b"
    assert harmless(-5) == -5
