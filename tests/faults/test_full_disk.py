"""P9: a full disk stops uploads (507), not the site, and they go on when there is room."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import StartPortal
from tests.faults.live_portal import Wire
from tests.faults.sizes import times

MIB = 1024 * 1024
ROUNDS = times(10, 100)
pytestmark = pytest.mark.promise("P9")
CAN_MOUNT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if not CAN_MOUNT:
        pytest.skip("only on machines where tests run as root: a small file system is mounted")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def wire(start_portal: StartPortal, small_disk: Path) -> Wire:
    return Wire(start_portal(files=small_disk / "files", staging=small_disk / "staging"))


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(64 * 1024)):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk did not fill up")


def test_what_cannot_fit_is_refused_before_its_first_byte(wire: Wire) -> None:
    assert wire.create(64 * MIB, "too large").status == 507
    assert wire.start(10 * MIB, "fits")
    assert wire.create(20 * MIB, "fits no more").status == 507


def test_a_disk_that_fills_up_keeps_what_is_durable_and_goes_on_later(wire: Wire, small_disk: Path) -> None:
    data = os.urandom(12 * MIB)
    upload = wire.start(len(data), "scan.mrc")
    assert wire.patch(upload, 0, data[: 2 * MIB]).status == 204
    for _ in range(ROUNDS):
        filler = fill(small_disk)
        os.truncate(filler, filler.stat().st_size - 512 * 1024)
        offset = wire.head(upload).offset
        assert wire.patch(upload, offset, data[offset:]).status == 507
        kept = wire.head(upload).offset
        assert offset <= kept < len(data)
        assert (small_disk / "staging" / Path(upload).name).read_bytes()[:kept] == data[:kept]
        filler.unlink()
    offset = wire.head(upload).offset
    assert wire.patch(upload, offset, data[offset:]).status == 204
    assert (small_disk / "files" / ".received" / Path(upload).name).read_bytes() == data


def test_the_site_goes_on_while_the_disk_is_full(wire: Wire, small_disk: Path) -> None:
    done = wire.create(5, "before", b"01234")
    upload = wire.start(MIB, "under way")
    fill(small_disk)
    assert wire.create(5, "small", b"01234").status == 507
    assert wire.patch(upload, 0, bytes(MIB)).status == 507
    assert done.status == 201
    assert wire("GET", "/api/v1/connection").status == 200
    assert wire("GET", "/api/v1/datasets").status == 200
    assert wire("GET", "/readyz").status == 200
    assert wire("DELETE", upload).status == 204
    assert wire.create(5, "small", b"01234").status in (201, 507)
