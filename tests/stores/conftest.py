"""Every store there is: each test of the contract runs on a folder and on a real S3 server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataplane.localstore import LocalStore
from dataplane.store import Store
from portal.stores.declared import S3Settings
from portal.stores.s3 import S3Store
from tests.object_store import bucket_settings, object_store


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def s3_settings(s3_server: S3Settings) -> S3Settings:
    return bucket_settings(s3_server.endpoint)


@pytest.fixture
def s3(s3_settings: S3Settings) -> S3Store:
    return S3Store("objects", s3_settings)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    made: Store = LocalStore(tmp_path / "files") if request.param == "folder" else request.getfixturevalue("s3")
    made.prepare()
    return made
