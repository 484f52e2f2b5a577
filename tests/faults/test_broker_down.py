"""P8: without broker and cache uploads go on, and the work is caught up."""

import hashlib
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.faults.conftest import Found
from tests.faults.live_portal import LivePortal, Wire


@pytest.mark.promise("P8")
def test_uploads_go_on_and_the_sweep_catches_up(one_portal: LivePortal, found: Found) -> None:
    wire = Wire(one_portal)
    data = os.urandom(100_000)
    began = time.monotonic()
    for number in range(5):
        stated = hashlib.sha256(data).hexdigest()
        assert wire.create(len(data), f"file {number}", data, sha256=stated).status == 201
    took = time.monotonic() - began
    assert took < 15, "a broker that is down must not make uploads wait"
    assert "broker_unreachable" in one_portal.log()
    assert one_portal.query("SELECT state, count(*) FROM portal_datafile GROUP BY state") == [("received", 5)]
    assert one_portal.manage("verify_files") == "5 verified, 0 corrupt, 0 put off.\n"
    assert one_portal.query("SELECT verified_count FROM portal_dataset") == [(5,)]
    found(f"broker and cache down: 5 uploads taken in {took:.1f} s, verified by a sweep")


@pytest.mark.promise("P8")
def test_uploads_go_on_when_somebody_held_the_database_for_seconds(one_portal: LivePortal, found: Found) -> None:
    data = os.urandom(50_000)
    with closing(sqlite3.connect(one_portal.var / "db.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(max_workers=1) as beside:
            sending = beside.submit(Wire(one_portal).create, len(data), "held", data)
            assert Wire(one_portal)("GET", "/api/v1/connection").status == 200, "reading needs no lock"
            time.sleep(2)
            assert not sending.done()
            other.execute("ROLLBACK")
            began = time.monotonic()
            assert sending.result().status == 201
    took = time.monotonic() - began
    assert took < 30
    found(f"SQLite locked for 2 s: reading went on, an upload was taken {took:.1f} s after that")


def test_a_token_is_in_no_log(one_portal: LivePortal) -> None:
    wire = Wire(one_portal)
    wire.create(5, "logged", b"01234")
    wire("GET", "/api/v1/connection")
    assert one_portal.secret not in one_portal.log()
