"""A dataset is found by anything that is known of it; dates and states narrow it down."""

from datetime import UTC, datetime

import pytest

from portal.dataset_search import DatasetWish, search_datasets
from portal.models import Dataset, Instrument, Project
from tests.portal.conftest import MakeDataset


@pytest.fixture(autouse=True)
def three_datasets(make_dataset: MakeDataset, project: Project) -> None:
    glacios = Instrument.objects.create(project=project, name="Glacios", slug="glacios")
    make_dataset(
        "Ribosome 70S",
        keywords=["antibiotic", "grid 3"],
        recipients=["rita@university.example"],
        metadata={"pixel size": "0.832 Å", 'quo"ted': "back\\slash"},
        created_at=datetime(2026, 11, 18, 9, tzinfo=UTC),
    )
    make_dataset(
        "Spike trimer",
        instrument=glacios,
        investigation="2026-0412 Antibodies",
        state="released",
        created_at=datetime(2026, 11, 19, 9, tzinfo=UTC),
    )
    make_dataset("100% pure_sample", state="closed", created_at=datetime(2026, 11, 20, 9, tzinfo=UTC))


def found(**wish: object) -> set[str]:
    wished = DatasetWish(**wish)  # type: ignore[arg-type]
    return set(search_datasets(Dataset.objects.all(), wished).values_list("title", flat=True))


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("", {"Ribosome 70S", "Spike trimer", "100% pure_sample"}),
        ("ribosome", {"Ribosome 70S"}),
        ("ANTIBIOTIC", {"Ribosome 70S"}),
        ("antib", {"Ribosome 70S", "Spike trimer"}),
        ("rita@university", {"Ribosome 70S"}),
        ("0.832 Å", {"Ribosome 70S"}),
        ("Å", {"Ribosome 70S"}),
        ('quo"ted', {"Ribosome 70S"}),
        ("back\\slash", {"Ribosome 70S"}),
        ("glacios", {"Spike trimer"}),
        ("2026-11-20_18.20.37", {"Ribosome 70S", "Spike trimer", "100% pure_sample"}),
        ("100%", {"100% pure_sample"}),
        ("pure_s", {"100% pure_sample"}),
        ("pureXs", set()),
        ("ribosome spike", set()),
        ("spike glacios 0412", {"Spike trimer"}),
    ],
)
def test_every_word_has_to_occur_somewhere(text: str, titles: set[str]) -> None:
    assert found(text=text) == titles


def test_state_instrument_and_dates_narrow_it_down() -> None:
    assert found(state="released") == {"Spike trimer"}
    assert found(instrument=Instrument.objects.get(slug="glacios")) == {"Spike trimer"}
    assert found(since=datetime(2026, 11, 19, tzinfo=UTC)) == {"Spike trimer", "100% pure_sample"}
    assert found(until=datetime(2026, 11, 19, tzinfo=UTC)) == {"Ribosome 70S"}
    assert found(text="trimer", state="open") == set()


def test_a_dataset_with_several_matching_keywords_is_found_once(make_dataset: MakeDataset) -> None:
    make_dataset("Grids", keywords=["grid a", "grid b", "grid c"], recipients=["grid@lab.example"])
    assert search_datasets(Dataset.objects.all(), DatasetWish(text="grid")).filter(title="Grids").count() == 1
