"""Vera, who only looks, and datasets with rows of files but no bytes."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.models import DataFile, Dataset, DatasetKeyword, DatasetRecipient, Instrument, Membership, Project, User
from tests.conftest import MakeUser

MakeDataset = Callable[..., Dataset]
PutFiles = Callable[..., None]


@pytest.fixture
def vera(make_user: MakeUser, project: Project) -> User:
    user = make_user("vera@facility.example", name="Vera Voss")
    Membership.objects.create(project=project, user=user, role=Membership.Role.VIEWER)
    return user


@pytest.fixture
def make_dataset(project: Project, instrument: Instrument) -> MakeDataset:
    def make(
        title: str = "Lysozyme, grid 1",
        *,
        state: str = "open",
        created_at: datetime | None = None,
        keywords: Iterable[str] = (),
        recipients: Iterable[str] = (),
        **fields: Any,
    ) -> Dataset:
        now = timezone.now()
        values = {
            "project": project,
            "instrument": instrument,
            "name": f"2026-11-20_18.20.37-32-{uuid4().hex[:12]}",
            "sent_by": "Krios 2, control PC",
            "closed_at": None if state == "open" else now,
            "released_at": None if state in ("open", "closed") else now,
            "dispatched_at": None if state in ("open", "closed") else now,
        }
        dataset = Dataset.objects.create(
            title=title, state=state, client_key=uuid4().hex, sender="upload_token:1", **(values | fields)
        )
        if created_at:
            Dataset.objects.filter(pk=dataset.pk).update(created_at=created_at)
            dataset.refresh_from_db()
        DatasetKeyword.objects.bulk_create([DatasetKeyword(dataset=dataset, word=word) for word in keywords])
        DatasetRecipient.objects.bulk_create([DatasetRecipient(dataset=dataset, email=email) for email in recipients])
        return dataset

    return make


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset()


@pytest.fixture
def put_files() -> PutFiles:
    """Rows of files, and the counts that go with them."""

    def put(dataset: Dataset, paths: Iterable[str], state: str = "verified", size: int = 10) -> None:
        rows = [_row(dataset, path, state, size) for path in paths]
        DataFile.objects.bulk_create(rows, batch_size=500)
        files = DataFile.objects.current().filter(dataset=dataset)
        verified = files.verified().count()
        Dataset.objects.filter(pk=dataset.pk).update(
            file_count=files.count(),
            bytes_expected=files.count() * size,
            verified_count=verified,
            bytes_verified=verified * size,
            corrupt_count=files.filter(state="corrupt").count(),
        )
        dataset.refresh_from_db()

    return put


def _row(dataset: Dataset, path: str, state: str, size: int) -> DataFile:
    verified = state == "verified"
    return DataFile(
        dataset=dataset,
        path=path,
        path_key=hashlib.sha256(path.casefold().encode()).hexdigest(),
        size=size,
        state=state,
        sha256="a" * 64 if verified else "",
        crc32=1 if verified else None,
        verified_at=timezone.now() if verified else None,
        reason="The SHA-256 read back is not the one the sender stated." if state == "corrupt" else "",
    )
