"""The real web server of the portal, and a file to send to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.live_portal import LivePortal, copy_facility, make_facility

MIB = 1024 * 1024


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    """No worker: what has arrived waits in ``.received`` and can be looked at."""
    facility = make_facility(tmp_path_factory.mktemp("facility"))
    var = tmp_path_factory.mktemp("var")
    copy_facility(facility, var)
    portal = LivePortal(var, facility.secret)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """24 MiB and a few bytes of noise."""
    path = tmp_path / "scan.mrc"
    path.write_bytes(os.urandom(24 * MIB + 4321))
    return path
