"""A recipient with a project of her own, and another store to copy into."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from delivery.models import Destination
from delivery.vault import lock_away
from peers.servers import Server
from portal import storage
from portal.models import Membership, Project, User
from portal.stores.declared import FolderSettings, S3Settings
from sharing.models import ShareLink
from tests.conftest import MakeUser
from tests.delivery.servers import PASSWORD, served, webdav_options
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


@pytest.fixture
def loopback_allowed(settings: Any) -> None:
    settings.DESTINATION_HOSTS = ["127.0.0.1"]


Register = Callable[..., Destination]


@pytest.fixture
def register(bob: User) -> Register:
    """Without a trial."""

    def make(
        project: Project, kind: str, options: dict[str, str], secret: dict[str, str], **fields: Any
    ) -> Destination:
        return Destination.objects.create(
            project=project, name=f"Archive {uuid4().hex[:12]}", kind=kind, place="x", options=options,
            locked=lock_away(secret), created_by=bob, **fields,
        )  # fmt: skip

    return make


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Server]:
    with served("webdav", tmp_path / "theirs") as server:
        yield server


@pytest.fixture
def webdav(project: Project, theirs: Server, register: Register) -> Destination:
    return register(project, "webdav", webdav_options(theirs), {"password": PASSWORD})


def content(dataset: Any, path: str) -> bytes:
    with storage.open_verified(dataset, path) as stream:
        return stream.read()


def taken_by(link: ShareLink) -> tuple[str, list[str]]:
    link.refresh_from_db()
    return link.state, list(link.receipts.values_list("state", flat=True))
