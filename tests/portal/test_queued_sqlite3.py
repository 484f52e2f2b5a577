"""Threads that want to write wait for their turn, not each for itself."""

import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from portal.models import Project
from portal.queued_sqlite3 import base
from tests.portal.many_connections import at_once, shared_database

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only on SQLite"),
]


def test_whoever_does_not_get_a_turn_in_time_is_told_that_the_database_is_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = threading.Lock()
    taken.acquire()
    monkeypatch.setattr(base, "_turn", taken)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.01)
    with pytest.raises(OperationalError, match="locked"):
        connection._start_transaction_under_autocommit()  # type: ignore[attr-defined]


def test_a_turn_ends_with_the_beginning_of_the_transaction(tmp_path: Path, project: Project) -> None:
    def rename() -> None:
        with transaction.atomic():
            Project.objects.filter(pk=project.pk).update(name="Renamed")

    with shared_database(tmp_path):
        at_once(rename, 8)
        assert Project.objects.get(pk=project.pk).name == "Renamed"
        assert base._turn.acquire(timeout=0)
        base._turn.release()
