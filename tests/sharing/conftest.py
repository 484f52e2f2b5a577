"""A released dataset with real files, and the links by which it is handed over."""

import hashlib
import os
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from dataplane.names import path_key
from portal import storage
from portal.models import DataFile, Dataset, DatasetRecipient, Instrument, Project
from sharing.links import token_of
from sharing.models import ShareLink
from sharing.services.dispatch import make_links

FILES = {
    "Grid 1/Übersicht größe.tif": b"II*\0" + bytes(3000),
    "Grid 1/tile 2.tif": os.urandom(5000),
    "empty.dat": b"",
    "notes.txt": b"taken on Friday\n",
}


MakeDataset = Callable[..., Dataset]


def store_file(dataset: Dataset, path: str, content: bytes) -> DataFile:
    """A verified file, in storage and in the database."""
    place = storage.store().path(f"{storage.dataset_key(dataset)}/{path}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return row_of_file(dataset, path, content)


def row_of_file(dataset: Dataset, path: str, content: bytes) -> DataFile:
    return DataFile(
        dataset=dataset,
        path=path,
        path_key=hashlib.sha256(path_key(path).encode()).hexdigest(),
        size=len(content),
        mtime_ns=1_795_234_567_000_000_000,
        sha256=hashlib.sha256(content).hexdigest(),
        crc32=zlib.crc32(content),
        state=DataFile.State.VERIFIED,
        verified_at=timezone.now(),
    )


@pytest.fixture
def make_dataset(project: Project, instrument: Instrument) -> MakeDataset:
    def make(files: Mapping[str, bytes] = FILES, *, recipients: tuple[str, ...] = (), **fields: Any) -> Dataset:
        now = timezone.now()
        values: dict[str, Any] = {
            "name": f"2026-11-20_18.20.37-32-lysozyme-{uuid4().hex[:12]}",
            "title": "Lysozyme, grid 1",
            "state": Dataset.State.RELEASED,
            "closed_at": now,
            "released_at": now,
            "sent_by": "Krios 2, control PC",
            "sender": "upload_token:1",
            "operator_emails": ["em-staff@facility.example"],
            "revision": 1,
        } | fields
        size = sum(map(len, files.values()))
        values |= {
            "file_count": len(files),
            "verified_count": len(files),
            "bytes_expected": size,
            "bytes_verified": size,
        }
        dataset = Dataset.objects.create(project=project, instrument=instrument, client_key=uuid4().hex, **values)
        DataFile.objects.bulk_create(store_file(dataset, path, content) for path, content in files.items())
        DatasetRecipient.objects.bulk_create(DatasetRecipient(dataset=dataset, email=email) for email in recipients)
        return dataset

    return make


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset()


MakeLink = Callable[..., ShareLink]


@pytest.fixture
def make_link() -> MakeLink:
    def make(dataset: Dataset, recipient: str = "rita@university.example", **fields: Any) -> ShareLink:
        now = timezone.now()
        values: dict[str, Any] = {
            "owner": None,
            "label": "Krios 2, control PC",
            "occasion": f"hand:{uuid4().hex}",
            "starts_at": now,
            "expires_at": now + timedelta(days=30),
        } | fields
        return make_links(dataset=dataset, recipients=[recipient], **values)[0]

    return make


@pytest.fixture
def link(dataset: Dataset, make_link: MakeLink) -> ShareLink:
    return make_link(dataset)


def hang_up(response: Any) -> None:
    """The client leaves. Django's test client closes the response with its iterator, sparing the test's connection."""
    response._iterator.close()


class Visitor:
    """Somebody with a link and no account, or a program that found it."""

    def __init__(self, link: ShareLink, **headers: str) -> None:
        self.link = link
        self.name = link.dataset.name
        self.client = Client(headers=headers)

    @property
    def address(self) -> str:
        return f"/s/{token_of(self.link)}"

    def get(self, below: str = "", **headers: str) -> Any:
        """Everything is read, so that what is recorded at the end is recorded."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        response: Any = self.client.get(self.address + below, headers=sent)
        response.body = b"".join(response.streaming_content) if response.streaming else response.content
        return response

    def get_zip(self, **headers: str) -> Any:
        return self.get(f"/{self.name}.zip", **headers)

    def state(self) -> str:
        self.link.refresh_from_db()
        return self.link.state


Visit = Callable[..., Visitor]


@pytest.fixture
def visit() -> Visit:
    return Visitor


@pytest.fixture
def rita_s(link: ShareLink) -> Visitor:
    return Visitor(link, user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock that views read; services are given theirs."""

    def set_to(moment: datetime) -> None:
        for module in ("landing", "downloads"):
            monkeypatch.setattr(f"sharing.views.{module}.timezone.now", lambda: moment)

    return set_to
