"""tuspy, the Python client of other people's scripts, against the portal."""

import subprocess
import sys
from pathlib import Path

from tests.faults.live_portal import CHECKOUT, LivePortal
from tests.interop.arrived import arrived, endpoint

MIB = 1024 * 1024


def send(portal: LivePortal, scan: Path, name: str, *stop_at: int) -> int:
    """The offset that tuspy began at."""
    known = scan.with_name("known-by-tuspy.json")
    words = [endpoint(portal), portal.secret, scan, name, known, *stop_at]
    command = [sys.executable, "-m", "peers.send_by_tuspy", *map(str, words)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_it_sends_a_file_with_checksums(portal: LivePortal, scan: Path) -> None:
    assert send(portal, scan, "by tuspy") == 0
    assert arrived(portal, "by tuspy") == scan.read_bytes()


def test_a_new_process_goes_on_where_the_old_one_was(portal: LivePortal, scan: Path) -> None:
    send(portal, scan, "resumed", 10 * MIB)
    assert send(portal, scan, "resumed") == 10 * MIB
    assert arrived(portal, "resumed") == scan.read_bytes()
