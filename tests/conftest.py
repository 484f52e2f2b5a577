"""The cast every test shares, and a bell that can be listened to.

Alice manages the project, Bob operates in it, Charlie is a stranger with an account, Sam is facility staff,
Rita receives data and has no account, Ada is an instrument PC (she comes with ``tests/uploads/conftest.py``).
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from portal import queue, storage
from portal.celery import app
from portal.models import Instrument, Membership, Project, User

PASSWORD = "correct horse battery staple"
Bell = tuple[str, tuple[int | str, ...]]


class Bells(list[Bell]):
    """Names and ids that were enqueued. ``run()`` does the work as a worker would, until nothing more is rung."""

    def run(self, rounds: int = 50) -> None:
        for _ in range(rounds):
            rung, self[:] = list(dict.fromkeys(self)), []
            if not rung:
                return
            for name, ids in rung:
                app.tasks[name].apply(args=list(ids), throw=True)
        raise AssertionError(f"still ringing after {rounds} rounds: {self}")


@pytest.fixture(autouse=True)
def bells(monkeypatch: pytest.MonkeyPatch) -> Bells:
    rung = Bells()
    app.loader.import_default_modules()
    monkeypatch.setattr(queue, "_ring", lambda name, ids, _delay: rung.append((name, ids)))
    return rung


@pytest.fixture(autouse=True)
def run_time_folders(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """Each test has folders and a cache of its own."""
    settings.FILES_ROOT, settings.STAGING_ROOT = tmp_path / "files", tmp_path / "staging"
    settings.LAYOUTS_ROOT, settings.LIFESIGNS_ROOT = tmp_path / "layouts", tmp_path / "alive"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes its time
    for folder in (settings.FILES_ROOT, settings.STAGING_ROOT):
        folder.mkdir()
    storage.store.cache_clear()
    storage.store_named.cache_clear()
    yield
    cache.clear()
    storage.store.cache_clear()
    storage.store_named.cache_clear()


@pytest.fixture
def no_second_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even on a machine that takes long for the next request: for what is refused for two seconds."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)


MakeUser = Callable[..., User]


@pytest.fixture
def make_user(db: None) -> MakeUser:
    def make(email: str, **fields: object) -> User:
        return User.objects.create_user(email, PASSWORD, **fields)

    return make


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(code="em", name="Electron microscopy", contact_email="em@facility.example")


@pytest.fixture
def instrument(project: Project) -> Instrument:
    return Instrument.objects.create(project=project, name="Krios 2", slug="krios-2")


@pytest.fixture
def alice(make_user: MakeUser, project: Project) -> User:
    user = make_user("alice@facility.example", name="Alice Abel")
    Membership.objects.create(project=project, user=user, role=Membership.Role.MANAGER)
    return user


@pytest.fixture
def bob(make_user: MakeUser, project: Project) -> User:
    user = make_user("bob@facility.example", name="Bob Berg")
    Membership.objects.create(project=project, user=user, role=Membership.Role.OPERATOR)
    return user


@pytest.fixture
def charlie(make_user: MakeUser) -> User:
    return make_user("charlie@elsewhere.example", name="Charlie Cole")


@pytest.fixture
def sam(make_user: MakeUser) -> User:
    return make_user("sam@facility.example", name="Sam Stern", is_staff=True)


@pytest.fixture
def rita() -> str:
    return "rita@university.example"


SignIn = Callable[[User], Client]


@pytest.fixture
def sign_in() -> SignIn:
    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return client_of
