"""What load balancers ask, and what people see while a part is down."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as CacheUnreachable

from portal.models import User
from portal.views import health
from tests.conftest import PASSWORD


def fail(*_: Any, **__: Any) -> None:
    raise CacheUnreachable("Error 111 connecting")


def test_the_process_answers_without_asking_anything(
    client: Client, django_assert_num_queries: Callable[[int], Any], db: None
) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_ready_names_each_part(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    parts = {"database": "ok", "files": "ok", "cache": "ok"}
    programs = {"worker": "never", "worker_seconds": None, "scheduler": "never", "scheduler_seconds": None}
    assert answer.json() == {"ready": True, **parts, **programs}
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_cache_that_is_down_is_named_but_the_portal_is_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_ask_cache", fail)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["cache"]) == (200, "down")


def test_a_database_or_a_folder_that_is_gone_makes_it_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.FILES_ROOT.rmdir()
    assert client.get("/readyz").status_code == 503
    settings.FILES_ROOT.mkdir()
    monkeypatch.setattr(health, "_ask_database", fail)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_log_in_waits_for_a_cache_that_is_down_and_says_so(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("get", "set", "add", "incr"):
        monkeypatch.setattr(type(cache._connections["default"]), name, fail)  # type: ignore[attr-defined]
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "try again in a moment" in answer.content.decode()
    assert client.get("/").status_code == 302
