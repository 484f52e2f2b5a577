"""An operator closes in the browser what no agent closes."""

from django.test import Client

from portal.models import AuditEvent, Dataset, User
from tests.conftest import SignIn
from tests.uploads.conftest import Pc


def close(client: Client, dataset: Dataset) -> str:
    answer = client.post(f"/datasets/{dataset.pk}/close", follow=True)
    dataset.refresh_from_db()
    return answer.content.decode()


def test_the_page_offers_closing_while_the_dataset_is_open(
    sign_in: SignIn, bob: User, ada: Pc, dataset: Dataset
) -> None:
    client = sign_in(bob)
    assert f'href="/datasets/{dataset.pk}/close"' in client.get(dataset.get_absolute_url()).content.decode()
    asked = client.get(f"/datasets/{dataset.pk}/close").content.decode()
    assert "It cannot be opened again" in asked
    dataset.refresh_from_db()
    assert dataset.is_open


def test_a_dataset_whose_files_have_all_come_is_closed(sign_in: SignIn, bob: User, ada: Pc, dataset: Dataset) -> None:
    ada.send(dataset, "scan.tif", b"image")
    assert "The dataset is closed" in close(sign_in(bob), dataset)
    assert not dataset.is_open
    assert AuditEvent.objects.get(kind="dataset_closed").actor == bob.email
    assert f'href="/datasets/{dataset.pk}/close"' not in sign_in(bob).get(dataset.get_absolute_url()).content.decode()


def test_missing_files_are_named_and_the_dataset_stays_open(
    sign_in: SignIn, bob: User, ada: Pc, dataset: Dataset
) -> None:
    ada.announce(dataset, {"path": "late.tif", "size": 5})
    assert "late.tif" in close(sign_in(bob), dataset)
    assert dataset.is_open


def test_closing_twice_is_told(sign_in: SignIn, bob: User, ada: Pc, dataset: Dataset) -> None:
    ada.send(dataset, "scan.tif", b"image")
    close(sign_in(bob), dataset)
    assert "closed already" in close(sign_in(bob), dataset)
