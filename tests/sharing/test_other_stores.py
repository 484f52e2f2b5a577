"""Downloads from a store that is not the folder of this machine: files, ranges and zips, streamed."""

import io
import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from dataplane.filepieces import SourceChanged
from portal import storage
from portal.models import Dataset, Project, User
from portal.stores.declared import S3Settings
from tests.conftest import SignIn
from tests.keeping.conftest import a_dataset
from tests.object_store import bucket_settings, object_store

FILES = {f"run/frame-{n:02}.tif": os.urandom(20_000 + n) for n in range(12)} | {
    "large.mrc": os.urandom(5 * 2**20),
    "empty": b"",
}


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def dataset(settings: Any, s3_server: S3Settings, project: Project) -> Dataset:
    settings.STORES = {"objects": bucket_settings(s3_server.endpoint)}
    return a_dataset(project, FILES, store="objects")


@pytest.fixture
def client(dataset: Dataset, sign_in: SignIn, alice: User) -> Client:
    return sign_in(alice)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_zip_is_whole_and_resumes_at_any_byte(client: Client, dataset: Dataset) -> None:
    address = f"/datasets/{dataset.pk}/download/{dataset.name}.zip"
    whole = body(client.get(address))
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        assert {path: opened.read(f"{dataset.name}/{path}") for path in FILES} == FILES
    for start in (1, 100_001, len(whole) // 2, len(whole) - 1):
        answer = client.get(address, headers={"Range": f"bytes={start}-"})
        assert (answer.status_code, body(answer)) == (206, whole[start:])


@pytest.mark.parametrize("span", [(0, 0), (0, 5 * 2**20 - 1), (1_000_000, 3_000_000), (5 * 2**20 - 1, 5 * 2**20 - 1)])
def test_a_file_comes_in_any_part(client: Client, dataset: Dataset, span: tuple[int, int]) -> None:
    first, last = span
    answer = client.get(f"/datasets/{dataset.pk}/download/files/large.mrc", headers={"Range": f"bytes={first}-{last}"})
    assert (answer.status_code, body(answer)) == (206, FILES["large.mrc"][first : last + 1])


def test_an_empty_file_comes(client: Client, dataset: Dataset) -> None:
    answer = client.get(f"/datasets/{dataset.pk}/download/files/empty")
    assert (answer.status_code, body(answer)) == (200, b"")


def test_an_object_that_was_changed_is_never_handed_over_whole(client: Client, dataset: Dataset) -> None:
    path = "run/frame-03.tif"
    changed = FILES[path][:-1] + bytes([FILES[path][-1] ^ 1])
    storage.store_of(dataset).put(f"em/{dataset.name}/{path}", BytesIO(changed), len(changed))
    answer = client.get(f"/datasets/{dataset.pk}/download/files/{path}")
    assert answer.status_code >= 500
    whole = client.get(f"/datasets/{dataset.pk}/download/{dataset.name}.zip")
    with pytest.raises(SourceChanged, match="frame-03"):
        body(whole)


def test_an_object_that_is_gone_is_said_and_not_padded(client: Client, dataset: Dataset) -> None:
    storage.store_of(dataset).delete(f"em/{dataset.name}/large.mrc")
    assert client.get(f"/datasets/{dataset.pk}/download/files/large.mrc").status_code >= 500
