"""The journal in trouble: a full disk, an older form, a moved clock, a second agent."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from labcourier_agent import clock
from labcourier_agent.exits import AlreadyRunning, BadUsage
from labcourier_agent.journal import Journal
from labcourier_agent.lock import only_one, only_one_on
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import NEW_TOKEN, TOKEN, LoopbackPortal
from tests.agent.test_interruption import Gate
from tests.agent.test_send import digests, stored

HOUR = 3600.0
Start = Callable[..., "subprocess.Popen[str]"]
VERSION_1 = """
CREATE TABLE datasets (id INTEGER PRIMARY KEY, identity TEXT NOT NULL, client_key TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL, portal_id TEXT, answer TEXT, begun_at REAL NOT NULL, closed_at REAL, ended_at REAL);
CREATE INDEX datasets_by_identity ON datasets (identity);
CREATE TABLE files (id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL REFERENCES datasets ON DELETE CASCADE,
    source TEXT NOT NULL, path TEXT NOT NULL, portal_path TEXT, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    file_id TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'found' CONSTRAINT file_state_is_known CHECK (state IN
    ('found', 'announced', 'sending', 'sent', 'stated', 'verified', 'failed')), ready_at REAL NOT NULL, sha256 TEXT,
    upload_url TEXT, sent_at REAL, changes INTEGER NOT NULL DEFAULT 0, resends INTEGER NOT NULL DEFAULT 0, fault TEXT,
    reason TEXT, CONSTRAINT file_path_is_unique_in_its_dataset UNIQUE (dataset, path));
CREATE INDEX files_by_state ON files (dataset, state);
INSERT INTO datasets VALUES (7, 'x', 'key', '{}', NULL, NULL, 1.0, NULL, NULL);
INSERT INTO files (dataset, source, path, size, mtime_ns, file_id, ready_at, state)
    VALUES (7, '/data/a', 'a', 5, 6, 'f', 0, 'verified');
PRAGMA user_version = 1;
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1500):
        (folder / f"a-rather-long-name-so-that-pages-fill-{number:05}.tif").write_bytes(b"x")
    return folder


def room_for(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of the journal is full after so many pages of 4 KiB: SQLite itself refuses the next one."""
    prepare = Journal._prepare

    def prepare_with_little_room(journal: Journal) -> None:
        prepare(journal)
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")

    monkeypatch.setattr(Journal, "_prepare", prepare_with_little_room)


@pytest.mark.parametrize("pages", [14, 40, 70, 100])
@pytest.mark.parametrize("bundles", [True, False])
def test_a_full_disk_ends_the_run_with_a_remedy_and_loses_nothing(
    ada: Agent, portal: LoopbackPortal, many: Path, pages: int, bundles: bool
) -> None:
    if bundles:
        portal.take_bundles()
    with pytest.MonkeyPatch.context() as patched:
        room_for(pages, patched)
        result = ada("send", many)
    assert result.code == 5
    assert "journal.sqlite3 cannot be used (database or disk is full): make room on its disk" in result.err
    assert "Traceback" not in result.err
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert set(portal.received.values()) == {1}


def test_a_journal_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as older:
        older.executescript(VERSION_1)
    journal = Journal(tmp_path / "journal.sqlite3")
    ((path, state, bundle, singly),) = journal.execute("SELECT path, state, bundle, singly FROM files")
    journal.close()
    assert (path, state, bundle, singly) == ("a", "verified", None, 0)
    Journal(tmp_path / "journal.sqlite3").close()


def test_a_damaged_journal_is_named_with_a_remedy(ada: Agent, home: Path, data: Path) -> None:
    (home / "journal.sqlite3").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    result = ada("send", data)
    assert result.code == 5
    assert "move it away" in result.err


@pytest.mark.parametrize("jump", [-24 * HOUR, 24 * HOUR])
def test_a_clock_that_was_moved_while_the_agent_was_off_delays_nothing(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """What waits for its time, and what waits for a verdict, were noted under another clock."""
    portal.take_bundles()
    portal.corrupt_times = {"one.tif": 1}
    portal.faults = [Fault("GET", "/api/v1/bundles/", status=401, code="token_revoked")]
    assert ada("send", data, "--follow", "--idle", "0.3", "--stable", "0.2").code == 4
    monkeypatch.setattr(clock, "_OFFSET", clock._OFFSET + jump)
    began = time.monotonic()
    assert ada("send", data, "--follow", "--idle", "0.3", "--stable", "0.2").code == 0
    assert time.monotonic() - began < 10
    assert stored(portal) == digests(data)


@pytest.mark.parametrize("jump", [-24 * HOUR, 24 * HOUR])
def test_a_clock_that_is_moved_during_a_run_is_not_noticed(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    really = time.time

    def move() -> None:
        monkeypatch.setattr(time, "time", lambda: really() + jump)

    portal.take_bundles()
    portal.corrupt_times = {"one.tif": 1}
    portal.faults = [Fault("PATCH", after=100, meanwhile=move, status=503)]
    began = time.monotonic()
    assert ada("send", data, "--follow", "--idle", "0.3", "--stable", "0.2").code == 0
    assert time.monotonic() - began < 10
    assert stored(portal) == digests(data)


def test_another_command_on_the_same_folder_is_told_who_is_at_it(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    gate = Gate()
    portal.faults = [Fault("POST", "/tus/", meanwhile=gate.hold, status=503)]
    process = start("send", data, "--title", "First")
    gate.wait()
    for path in (data, data / "deep", data.parent, data / "one.tif"):
        second = ada("send", path, "--title", "Second")
        assert second.code == 5, path
        assert "another process" in second.err or f"by process {process.pid}" in second.err
    gate.opened.set()
    assert process.wait(timeout=60) == 0
    assert ada("send", data, "--title", "Second").code == 0


def test_what_a_killed_agent_left_behind_stops_nobody(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Start
) -> None:
    gate = Gate()
    portal.faults = [Fault("POST", "/tus/", meanwhile=gate.hold, status=503)]
    process = start("send", data, "--title", "First")
    gate.wait()
    process.kill()
    process.wait()
    gate.opened.set()
    assert ada("send", data / "deep", "--title", "Second").code == 0


def test_folders_beside_each_other_do_not_stop_each_other(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    with (
        only_one_on(locks, ["/data/run-1"]),
        only_one_on(locks, ["/data/run-10"]),
        pytest.raises(AlreadyRunning, match="/data/run-1"),
        only_one_on(locks, ["/data"]),
    ):
        pytest.fail("a folder above two that are held was held as well")


def test_a_renewed_token_goes_on_with_the_same_dataset(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.faults = [Fault("POST", "/tus/", times=99, status=401, code="token_revoked")]
    assert ada("send", data).code == 4
    portal.faults = []
    portal.tokens = {NEW_TOKEN}
    assert ada("send", data).code == 4
    assert ada("connect", portal.url, "--token", NEW_TOKEN).code == 0
    assert ada("send", data).code == 0
    assert len(portal.datasets) == 1
    assert TOKEN not in portal.tokens
    assert stored(portal) == digests(data)


def test_a_state_folder_of_another_user_is_named_with_a_remedy(tmp_path: Path) -> None:
    """What the system refuses to open, here a folder in the place of the lock."""
    (tmp_path / "same.lock").mkdir()
    with pytest.raises(BadUsage, match="may belong to another user"), only_one(tmp_path, "same"):
        pytest.fail("it was locked all the same")
