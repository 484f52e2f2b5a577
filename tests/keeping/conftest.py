"""Verified files in a store, and other stores to copy or move them to."""

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from dataplane.store import Store
from portal import storage
from portal.models import DataFile, Dataset, Project
from portal.stores.declared import FolderSettings, S3Settings
from tests.object_store import bucket_settings, object_store

MakeDataset = Callable[..., Dataset]


@pytest.fixture(autouse=True)
def real_commits(transactional_db: None) -> None:
    """Threads and what is to happen after a commit see what was committed."""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def archive(settings: Any, tmp_path: Path) -> Store:
    """A second folder."""
    settings.STORES = {**settings.STORES, "archive": FolderSettings(kind="folder", path=tmp_path / "archive")}
    return storage.store_named("archive")


@pytest.fixture
def objects(settings: Any, s3_server: S3Settings) -> Store:
    settings.STORES = {**settings.STORES, "objects": bucket_settings(s3_server.endpoint)}
    return storage.store_named("objects")


@pytest.fixture(params=["archive", "objects"])
def other(request: pytest.FixtureRequest) -> str:
    """The name of another store, of each kind."""
    request.getfixturevalue(request.param)
    return str(request.param)


@pytest.fixture
def make_dataset(project: Project) -> MakeDataset:
    return partial(a_dataset, project)


def a_dataset(
    project: Project, files: Mapping[str, bytes], *, store: str = "local", name: str = "", **fields: Any
) -> Dataset:
    """Released, its files verified and in the store."""
    now = timezone.now()
    values = {"state": "released", "closed_at": now, "released_at": now, "safe_to_delete_since": now} | fields
    sizes = sum(map(len, files.values()))
    dataset = Dataset.objects.create(
        project=project,
        client_key=uuid4().hex,
        sender="user:1",
        sent_by="x",
        name=name or f"2026-11-20_{uuid4().hex[:12]}",
        title="A run",
        store=store,
        file_count=len(files),
        verified_count=len(files),
        bytes_expected=sizes,
        bytes_verified=sizes,
        revision=1,
        **values,
    )
    DataFile.objects.bulk_create([_row(dataset, path, data) for path, data in files.items()])
    for path, data in files.items():
        storage.store_of(dataset).put(f"{storage.dataset_key(dataset)}/{path}", BytesIO(data), len(data))
    return dataset


def _row(dataset: Dataset, path: str, data: bytes) -> DataFile:
    return DataFile(
        dataset=dataset,
        path=path,
        path_key=hashlib.sha256(path.casefold().encode()).hexdigest(),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        crc32=zlib.crc32(data),
        state="verified",
        received_at=timezone.now(),
        verified_at=timezone.now(),
    )


def some_files(count: int = 12, size: int = 4096) -> dict[str, bytes]:
    return {f"run {n % 3}/frame-{n:04}.tif": os.urandom(size + n) for n in range(count)}


def content(dataset: Dataset, path: str) -> bytes:
    with storage.open_verified(dataset, path) as stream:
        return stream.read()


def keys_of(store: str, dataset: Dataset) -> list[str]:
    below = f"em/{dataset.name}"
    return [key.removeprefix(f"{below}/") for key in storage.store_named(store).keys(below)]
