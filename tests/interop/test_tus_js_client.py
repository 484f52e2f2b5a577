"""tus-js-client, on which browser uploaders stand, against the portal."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from peers.node import NODE, SCRIPTS
from tests.faults.live_portal import LivePortal
from tests.interop.arrived import arrived, endpoint
from tests.interop.cutting_line import cutting_line

MIB = 1024 * 1024


def command(portal: LivePortal, scan: Path, path: str, *, port: int | None = None, **options: Any) -> list[str]:
    wishes: dict[str, Any] = {
        "endpoint": endpoint(portal, port),
        "path": str(scan),
        "headers": {"Authorization": f"Bearer {portal.secret}"},
        "metadata": {"path": path},
        "storage": str(scan.parent / "known-uploads.json"),
        "options": options,
    }
    return [str(NODE), str(SCRIPTS / "send_file.mjs"), json.dumps(wishes)]


def run(arguments: Sequence[str]) -> list[str]:
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "done"
    return lines


def offsets(lines: Sequence[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("at ")]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("in one piece", {}),
        ("in pieces", {"chunkSize": 5 * MIB}),
        ("with the creation", {"chunkSize": 5 * MIB, "uploadDataDuringCreation": True}),
        ("by POST", {"overridePatchMethod": True}),
    ],
)
def test_it_sends_a_file(portal: LivePortal, scan: Path, name: str, options: dict[str, Any]) -> None:
    run(command(portal, scan, name, **options))
    assert arrived(portal, name) == scan.read_bytes()


def test_killed_it_goes_on_where_it_was(portal: LivePortal, scan: Path) -> None:
    arguments = command(portal, scan, "killed", chunkSize=2 * MIB)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        for line in first.stdout:
            if line.startswith("at ") and int(line.split()[1]) >= 6 * MIB:
                first.kill()
                break
    again = run(arguments)
    assert again[0].startswith("known http://")
    assert offsets(again)[0] > 6 * MIB, "it started over"
    assert arrived(portal, "killed") == scan.read_bytes()


def test_a_reset_connection_costs_no_byte_twice(portal: LivePortal, scan: Path) -> None:
    with cutting_line(portal.port, [3 * MIB, 5 * MIB, 7 * MIB]) as line:
        run(command(portal, scan, "reset", port=line.port))
    assert line.cuts == 3
    assert arrived(portal, "reset") == scan.read_bytes()
    ended = portal.query("SELECT count(*) FROM uploads_upload WHERE state = 'cancelled'")
    assert ended == [(0,)], "it started over"


def test_it_sends_parts_at_once_that_the_portal_joins(portal: LivePortal, scan: Path) -> None:
    run(command(portal, scan, "joined", parallelUploads=4, chunkSize=2 * MIB))
    assert arrived(portal, "joined") == scan.read_bytes()
    assert portal.query("SELECT state, count(*) FROM uploads_upload WHERE role = 'part' GROUP BY state") == [
        ("kept", 4)
    ]
    assert portal.query("SELECT count(*) FROM uploads_upload WHERE role = 'final'") == [(1,)]


def test_it_says_the_length_at_the_end(portal: LivePortal, scan: Path) -> None:
    run(command(portal, scan, "deferred", uploadLengthDeferred=True, chunkSize=5 * MIB))
    assert arrived(portal, "deferred") == scan.read_bytes()
