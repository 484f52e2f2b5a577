import io
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from portal.models import AuditEvent, Dataset, Membership, User
from sharing.models import Receipt
from tests.conftest import SignIn
from tests.sharing.conftest import FILES, MakeDataset

pytestmark = pytest.mark.django_db


def addresses(dataset: Dataset) -> list[str]:
    return [
        reverse("dataset_zip", args=[dataset.pk, dataset.name]),
        reverse("dataset_file", args=[dataset.pk, "Grid 1/tile 2.tif"]),
        reverse("dataset_manifest", args=[dataset.pk]),
    ]


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_member_downloads_by_ranges_like_anybody_and_is_audited(dataset: Dataset, bob: User, sign_in: SignIn) -> None:
    client, (zip_url, file_url, _) = sign_in(bob), addresses(dataset)
    with zipfile.ZipFile(io.BytesIO(body(client.get(zip_url)))) as opened:
        assert opened.read(f"{dataset.name}/notes.txt") == FILES["notes.txt"]
    part = client.get(file_url, headers={"range": "bytes=10-19"})
    assert (part.status_code, body(part)) == (206, FILES["Grid 1/tile 2.tif"][10:20])
    events = AuditEvent.objects.filter(kind="downloaded", actor=bob.email).order_by("pk")
    assert [(event.detail["what"], event.complete) for event in events] == [("zip", True), ("file", False)]
    assert not Receipt.objects.exists()


def test_who_may_not_see_it_gets_nothing(dataset: Dataset, charlie: User, sign_in: SignIn, client: Client) -> None:
    for url in addresses(dataset):
        assert sign_in(charlie).get(url).status_code == 404
        answer = client.get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")
        assert client.post(url).status_code == 405


def test_viewers_and_staff_may_download(dataset: Dataset, charlie: User, sam: User, sign_in: SignIn) -> None:
    Membership.objects.create(project=dataset.project, user=charlie, role=Membership.Role.VIEWER)
    for user in (charlie, sam):
        for url in addresses(dataset):
            assert sign_in(user).get(url).status_code == 200


def test_what_is_verified_of_an_open_dataset_can_be_taken(
    make_dataset: MakeDataset, bob: User, sign_in: SignIn
) -> None:
    dataset = make_dataset(state="open", closed_at=None, released_at=None)
    for url in addresses(dataset):
        assert sign_in(bob).get(url).status_code == 200


@pytest.mark.parametrize("state", Dataset.GONE)
def test_a_deleted_dataset_says_so(dataset: Dataset, bob: User, sign_in: SignIn, state: str) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(state=state)
    for url in addresses(dataset):
        answer = sign_in(bob).get(url)
        assert answer.status_code == 410
        assert "were deleted" in answer.content.decode()


def test_downloads_of_members_are_attachments_too(dataset: Dataset, bob: User, sign_in: SignIn) -> None:
    answer = sign_in(bob).get(addresses(dataset)[1])
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
