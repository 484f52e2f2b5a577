"""Three mistakes that other servers of resumable uploads shipped."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.live_portal import LivePortal, Wire, status_of
from tests.sharing.handover import until

MIB = 1024 * 1024
PLANTED = Path(__file__).parent / "planted"
pytestmark = pytest.mark.promise("mistakes")


def received(portal: LivePortal, upload: str) -> bytes:
    return (portal.var / "files" / ".received" / Path(upload).name).read_bytes()


def test_a_failed_patch_never_deletes_bytes_while_the_offset_stays(one_portal: LivePortal, found: Found) -> None:
    """Elsewhere the piece before was removed with the failed one: right size in the end, content missing."""
    fail_patches(one_portal)
    found("a piece with a wrong checksum, one cut off, one at a wrong offset: all bytes before stayed")


@pytest.mark.slow
def test_a_failed_patch_that_deletes_bytes_would_be_noticed(start_portal: StartPortal) -> None:
    with pytest.raises(AssertionError, match="acknowledged bytes are gone"):
        fail_patches(start_portal(PLANTED / "failed_patch_empties.py", upload_idle_seconds=3))


def fail_patches(portal: LivePortal) -> None:
    wire, data = Wire(portal), os.urandom(3 * MIB)
    upload = wire.start(len(data), "failed patch")
    assert wire.patch(upload, 0, data[:MIB]).status == 204
    wrong = {"Upload_Checksum": "sha1 " + "A" * 27 + "="}
    assert wire("PATCH", upload, data[MIB : 2 * MIB], Upload_Offset=MIB, **wrong).status == 460
    with wire.open_patch(upload, MIB, 2 * MIB) as line:
        line.sendall(data[MIB : MIB + 70_000])
    assert wire.patch(upload, 5, data[5:]).status in (409, 423)
    offset = wire.head(upload).offset
    assert offset >= MIB
    staged = portal.var / "staging" / Path(upload).name
    is_there = staged.read_bytes()[:offset] == data[:offset]  # outside the assert, which would print a difference of MB
    assert is_there, "acknowledged bytes are gone"
    assert wire.patch(upload, offset, data[offset:]).status == 204
    assert hashlib.sha256(received(portal, upload)).digest() == hashlib.sha256(data).digest()


def test_a_retried_patch_is_never_accepted_beside_the_first_at_the_same_offset(
    one_portal: LivePortal, found: Found
) -> None:
    statuses = retry_beside(one_portal)
    found(f"the first and the retry beside it were answered {statuses} (0: turned away)")


@pytest.mark.slow
def test_a_retry_accepted_beside_the_first_would_be_noticed(start_portal: StartPortal) -> None:
    with pytest.raises(AssertionError, match=r"\[204, 410\]|\[410, 204\]"):  # both began at an offset that one took
        retry_beside(start_portal(PLANTED / "no_lock.py"))


def retry_beside(portal: LivePortal) -> list[int]:
    """The first one's line only seems dead: its bytes still trickle in when the retry arrives."""
    wire, data = Wire(portal), os.urandom(2 * MIB)
    upload = wire.start(len(data), "retried patch")
    with wire.open_patch(upload, 0, len(data)) as first, ThreadPoolExecutor(max_workers=1) as beside:
        first.sendall(data[:MIB])
        wait_until_staged(portal, upload)
        ticket = ticket_of(portal, upload)
        retry = beside.submit(wire.patch, upload, 0, data)
        until(lambda: ticket_of(portal, upload) != ticket)  # it has arrived
        try:
            first.sendall(data[MIB:])
        except OSError:
            answer = 0  # it was turned away while it sent
        else:
            answer = status_of(first)
        statuses = [answer, retry.result().status]
    assert statuses.count(204) <= 1, statuses
    assert set(statuses) <= {0, 204, 409, 423}, statuses
    offset = wire.head(upload).offset
    if offset < len(data):
        assert wire.patch(upload, offset, data[offset:]).status == 204
    assert received(portal, upload) == data
    return statuses


def ticket_of(portal: LivePortal, upload: str) -> float | None:
    """Another one when another request wants the upload; None when that is whole, and its lock gone."""
    try:
        return (portal.var / "staging" / ".locks" / Path(upload).name).stat().st_mtime
    except FileNotFoundError:
        return None


def wait_until_staged(portal: LivePortal, upload: str) -> None:
    path = portal.var / "staging" / Path(upload).name
    until(lambda: path.exists() and path.stat().st_size)


TROUBLES = pytest.mark.parametrize("trouble", ["no-staging", "no-database"])


@pytest.mark.slow
@TROUBLES
def test_a_passing_read_error_is_never_404_so_nobody_starts_over(
    start_portal: StartPortal, trouble: str, found: Found
) -> None:
    """Disk or database give read errors for a while: 503 and a wish to come back, never 404 or 410."""
    meet_trouble(start_portal(PLANTED / "passing_read_error.py"), trouble)
    found("HEAD and PATCH were answered 503, and the upload went on afterwards")


@pytest.mark.slow
@TROUBLES
def test_a_read_error_told_as_404_would_be_noticed(start_portal: StartPortal, trouble: str) -> None:
    with pytest.raises(AssertionError, match="404"):
        meet_trouble(start_portal(PLANTED / "read_error_is_404.py"), trouble)


def meet_trouble(portal: LivePortal, trouble: str) -> None:
    wire, data = Wire(portal), os.urandom(MIB)
    upload = wire.start(len(data), "read error")
    assert wire.patch(upload, 0, data[: MIB // 2]).status == 204
    (portal.var / trouble).touch()
    statuses = [wire.head(upload).status, wire.patch(upload, MIB // 2, data[MIB // 2 :]).status]
    (portal.var / trouble).unlink()
    assert statuses == [503, 503]
    assert wire.head(upload).offset == MIB // 2
    assert wire.patch(upload, MIB // 2, data[MIB // 2 :]).status == 204
    assert received(portal, upload) == data
