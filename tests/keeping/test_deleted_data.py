"""What people read of data that were deleted: nobody is led to remove the last copy, nobody waits for more time."""

import pytest
from django.test import Client
from django.urls import reverse

from keeping.services.deleting import delete_by_hand
from portal.actors import SYSTEM
from portal.models import Dataset, Project, User
from sharing.links import address_of
from tests.keeping.conftest import MakeDataset, some_files
from tests.keeping.retention_story import a_link, at, day, everything, released

SAFE = "safe to delete at the source"


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset(some_files(1, 10), name="run-1", **released())


@pytest.fixture
def deleted(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """On day 10; it can still be restored."""
    monkeypatch.setattr("django.utils.timezone.now", at(10))
    delete_by_hand(dataset=dataset, actor=SYSTEM, now=day(10))
    dataset.refresh_from_db()
    return dataset


def test_a_deleted_dataset_is_not_called_safe_to_delete_at_the_source(
    dataset: Dataset, bob: User, client: Client
) -> None:
    client.force_login(bob)
    page, api = reverse("dataset", args=[dataset.pk]), f"/api/v1/datasets/{dataset.pk}"
    assert SAFE in client.get(page).content.decode()
    assert client.get(api).json()["safe_to_delete_since"]
    delete_by_hand(dataset=dataset, actor=SYSTEM, now=day(10))
    said = client.get(page).content.decode()
    assert SAFE not in said
    assert "may be the last copy" in said
    assert client.get(api).json()["safe_to_delete_since"] is None


def test_a_link_that_ended_before_its_data_were_deleted_tells_of_the_deletion(deleted: Dataset, client: Client) -> None:
    link = a_link(deleted, expires_at=day(5))
    path = reverse("link", args=[str(address_of(link)).rpartition("/")[2]])
    answer = client.get(path)
    assert answer.status_code == 410
    assert "For a while they can be restored" in answer.content.decode()
    assert "more time" not in answer.content.decode()


def test_data_whose_bytes_are_gone_are_not_said_to_be_restorable(
    deleted: Dataset, project: Project, client: Client
) -> None:
    link = a_link(deleted, expires_at=day(5))
    everything(60)
    said = client.get(reverse("link", args=[str(address_of(link)).rpartition("/")[2]])).content.decode()
    assert "They were kept for a limited time" in said
