"""A recipient with a project of her own, and another store to copy into."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal import storage
from portal.models import Membership, Project, User
from portal.stores.declared import FolderSettings, S3Settings
from sharing.models import ShareLink
from tests.conftest import MakeUser
from tests.object_store import bucket_settings, object_store
from tests.sharing import conftest as sharing

make_dataset, dataset, make_link, link = sharing.make_dataset, sharing.dataset, sharing.make_link, sharing.link


@pytest.fixture(autouse=True)
def real_commits(transactional_db: None) -> None:
    """Threads and what is to happen after a commit see what was committed."""


@pytest.fixture
def lab(db: None) -> Project:
    return Project.objects.create(code="lab", name="Rita's laboratory", contact_email="lab@university.example")


@pytest.fixture
def rita_user(make_user: MakeUser, lab: Project) -> User:
    """The recipient, who has an account here too."""
    user = make_user("rita@university.example", name="Rita Roth")
    Membership.objects.create(project=lab, user=user, role=Membership.Role.MANAGER)
    return user


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def archive(settings: Any, tmp_path: Path) -> str:
    """A second folder."""
    settings.STORES = {**settings.STORES, "archive": FolderSettings(kind="folder", path=tmp_path / "archive")}
    storage.store_named("archive")
    return "archive"


@pytest.fixture
def objects(settings: Any, s3_server: S3Settings) -> str:
    settings.STORES = {**settings.STORES, "objects": bucket_settings(s3_server.endpoint)}
    storage.store_named("objects")
    return "objects"


def content(dataset: Any, path: str) -> bytes:
    with storage.open_verified(dataset, path) as stream:
        return stream.read()


def taken_by(link: ShareLink) -> tuple[str, list[str]]:
    link.refresh_from_db()
    return link.state, list(link.receipts.values_list("state", flat=True))
