"""Pages by key: every row once, in both directions, at the same cost on every page."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from portal.errors import Invalid
from portal.keyset import BY_CREATION, BY_NUMBER, newest_first
from portal.models import Dataset, Project, User

BEGIN = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)


@pytest.fixture
def datasets(project: Project) -> list[str]:
    """Names, newest first; each three share a moment."""
    for number in range(25):
        dataset = Dataset.objects.create(
            project=project, client_key=str(number), sender="user:1", sent_by="x", name=f"d{number}", title="x"
        )
        Dataset.objects.filter(pk=dataset.pk).update(created_at=BEGIN + timedelta(seconds=number // 3))
    return list(Dataset.objects.order_by("-created_at", "-pk").values_list("name", flat=True))


def test_older_pages_give_every_row_once(datasets: list[str]) -> None:
    seen: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = newest_first(Dataset.objects.all(), query, BY_CREATION, size=4)
        seen += [dataset.name for dataset in page.rows]
        if not page.older:
            break
        query = {"before": page.older}
    assert seen == datasets


def test_newer_pages_lead_back_to_the_first(datasets: list[str]) -> None:
    third = newest_first(Dataset.objects.all(), {}, BY_CREATION, size=8)
    for _ in range(2):
        third = newest_first(Dataset.objects.all(), {"before": str(third.older)}, BY_CREATION, size=8)
    second = newest_first(Dataset.objects.all(), {"after": str(third.newer)}, BY_CREATION, size=8)
    first = newest_first(Dataset.objects.all(), {"after": str(second.newer)}, BY_CREATION, size=8)
    assert [dataset.name for dataset in second.rows] == datasets[8:16]
    assert [dataset.name for dataset in first.rows] == datasets[:8]
    assert first.newer is None


def test_a_page_is_one_query_without_count_or_offset(
    datasets: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    older = newest_first(Dataset.objects.all(), {}, BY_CREATION, size=4).older
    with django_assert_num_queries(1) as asked:
        newest_first(Dataset.objects.all(), {"before": str(older)}, BY_CREATION, size=4)
    assert "OFFSET" not in asked[0]["sql"]
    assert "COUNT" not in asked[0]["sql"]


def test_rows_that_come_meanwhile_shift_nothing(datasets: list[str], project: Project) -> None:
    older = newest_first(Dataset.objects.all(), {}, BY_CREATION, size=4).older
    Dataset.objects.create(project=project, client_key="new", sender="user:1", sent_by="x", name="new", title="x")
    page = newest_first(Dataset.objects.all(), {"before": str(older)}, BY_CREATION, size=4)
    assert [dataset.name for dataset in page.rows] == datasets[4:8]


@pytest.mark.parametrize("cursor", ["x", "-1", "1_2", "9" * 30, "20261120T182000.000000Z_zz", "\x00", "1' OR 1=1"])
def test_a_cursor_that_is_none_is_refused(db: None, cursor: str) -> None:
    with pytest.raises(Invalid, match="no place in this list"):
        newest_first(Dataset.objects.all(), {"before": cursor}, BY_CREATION)
    with pytest.raises(Invalid):
        newest_first(User.objects.all(), {"after": cursor}, BY_NUMBER)
