"""P8: without broker and cache uploads go on, and the work is caught up."""

import hashlib
import os
import time

from tests.faults.live_portal import LivePortal, Wire


def test_uploads_go_on_and_the_sweep_catches_up(one_portal: LivePortal) -> None:
    wire = Wire(one_portal)
    data = os.urandom(100_000)
    began = time.monotonic()
    for number in range(5):
        stated = hashlib.sha256(data).hexdigest()
        assert wire.create(len(data), f"file {number}", data, sha256=stated).status == 201
    assert time.monotonic() - began < 15, "a broker that is down must not make uploads wait"
    assert "broker_unreachable" in one_portal.log()
    assert one_portal.query("SELECT state, count(*) FROM portal_datafile GROUP BY state") == [("received", 5)]
    assert one_portal.manage("verify_files") == "5 verified, 0 corrupt, 0 put off.\n"
    assert one_portal.query("SELECT verified_count FROM portal_dataset") == [(5,)]


def test_a_token_is_in_no_log(one_portal: LivePortal) -> None:
    wire = Wire(one_portal)
    wire.create(5, "logged", b"01234")
    wire("GET", "/api/v1/connection")
    assert one_portal.secret not in one_portal.log()
