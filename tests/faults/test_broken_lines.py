"""Lines that break, stall, trickle or come back, against the real server."""

import http.client
import os
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from tests.faults.live_portal import Answer, LivePortal, Wire, read_answer, status_of

MIB = 1024 * 1024


@pytest.fixture
def wire(one_portal: LivePortal) -> Wire:
    return Wire(one_portal)


@pytest.fixture
def hasty_wire(hasty_portal: LivePortal) -> Wire:
    return Wire(hasty_portal)


def received(portal: LivePortal, upload: str) -> bytes:
    return (portal.var / "files" / ".received" / Path(upload).name).read_bytes()


def staged(portal: LivePortal, upload: str) -> bytes:
    return (portal.var / "staging" / Path(upload).name).read_bytes()


def wait_for_staged(wire: Wire, upload: str, size: int) -> None:
    """Until so many bytes are in the staging file, acknowledged or not."""
    path = wire.portal.var / "staging" / Path(upload).name
    deadline = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < size:
        assert time.monotonic() < deadline, f"the server does not write: {path}"
        time.sleep(0.02)


def soon_offset(wire: Wire, upload: str, wanted: int) -> int:
    """What the database has recorded, once it is `wanted` or time is up; asks nothing of the server."""
    deadline = time.monotonic() + 60
    recorded = -1
    while recorded != wanted and time.monotonic() < deadline:
        ((value,),) = wire.portal.query("SELECT offset FROM uploads_upload WHERE id = ?", Path(upload).name)
        recorded = int(str(value))
        time.sleep(0.05)
    return recorded


def test_a_cut_line_keeps_what_came(wire: Wire) -> None:
    data = os.urandom(5 * MIB)
    upload = wire.start(len(data), "line 1")
    with wire.open_patch(upload, 0, len(data)) as line:
        line.sendall(data[: 3 * MIB + 12345])
    assert soon_offset(wire, upload, 3 * MIB + 12345) == 3 * MIB + 12345
    assert wire.head(upload).offset == 3 * MIB + 12345
    assert wire.patch(upload, 3 * MIB + 12345, data[3 * MIB + 12345 :]).status == 204
    assert received(wire.portal, upload) == data


def test_a_reset_line_keeps_a_true_beginning(wire: Wire) -> None:
    data = os.urandom(5 * MIB)
    upload = wire.start(len(data), "line 2")
    with wire.open_patch(upload, 0, len(data)) as line:
        line.sendall(data[: 3 * MIB])
        wait_for_staged(wire, upload, MIB)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    offset = wire.head(upload).offset
    assert offset <= 3 * MIB
    assert staged(wire.portal, upload)[:offset] == data[:offset]
    assert wire.patch(upload, offset, data[offset:]).status == 204
    assert received(wire.portal, upload) == data


@pytest.mark.parametrize("pause", [0, 1.5, 2.5])
def test_a_pause_in_the_middle_of_a_piece_costs_no_byte(wire: Wire, pause: float) -> None:
    """The body is read without blocking; this is what tells that the server keeps what it has meanwhile."""
    data = os.urandom(2 * MIB)
    upload = wire.start(len(data), f"pause {pause}")
    with wire.open_patch(upload, 0, len(data)) as line:
        for start, end in ((0, 10), (10, 70_001), (70_001, MIB + 7), (MIB + 7, len(data))):
            line.sendall(data[start:end])
            time.sleep(pause if start == 70_001 else 0.05)
        assert status_of(line) == 204
    assert received(wire.portal, upload) == data


@pytest.mark.parametrize("trickle", [False, True])
def test_a_stalled_patch_does_not_keep_a_head_waiting(wire: Wire, trickle: bool) -> None:
    data = os.urandom(5 * MIB)
    upload = wire.start(len(data), f"stall {trickle}")
    stop = threading.Event()
    with wire.open_patch(upload, 0, len(data)) as line:
        line.sendall(data[:MIB])
        drip = threading.Thread(target=lambda: drip_until(line, data[MIB:], stop)) if trickle else None
        if drip:
            drip.start()
        wait_for_staged(wire, upload, MIB)
        began = time.monotonic()
        answer = wire.head(upload)
        took = time.monotonic() - began
        assert status_of(line) == 423
        stop.set()
        if drip:
            drip.join()
    assert took < 30  # the sender would be given up after two minutes
    assert answer.status == 200
    assert answer.offset >= MIB
    assert staged(wire.portal, upload) == data[: answer.offset]


def drip_until(line: socket.socket, data: bytes, stop: threading.Event) -> int:
    """How many bytes went, at most 600, a tenth of a second each."""
    for place in range(600):
        if stop.is_set():
            return place
        try:
            line.sendall(data[place : place + 1])
        except OSError:
            return place
        time.sleep(0.1)
    return 600


def test_a_newer_patch_takes_over_from_a_stalled_one(wire: Wire) -> None:
    data = os.urandom(3 * MIB)
    upload = wire.start(len(data), "line 5")
    with wire.open_patch(upload, 0, len(data)) as line:
        line.sendall(data[:MIB])
        wait_for_staged(wire, upload, MIB)
        late = wire.patch(upload, 0, data)
        assert late.status == 409
        assert status_of(line) == 423
    assert wire.patch(upload, MIB, data[MIB:]).status == 204
    assert received(wire.portal, upload) == data


def test_a_dead_peer_frees_its_thread_and_what_came_is_kept(hasty_wire: Wire) -> None:
    data = os.urandom(2 * MIB)
    upload = hasty_wire.start(len(data), "line 6")
    with hasty_wire.open_patch(upload, 0, len(data)) as line:
        line.sendall(data[:MIB])
        assert soon_offset(hasty_wire, upload, MIB) == MIB
        assert status_of(line) == 503


def test_a_sender_of_single_bytes_is_a_dead_peer_too(hasty_wire: Wire) -> None:
    upload = hasty_wire.start(MIB, "line 7")
    with hasty_wire.open_patch(upload, 0, MIB) as line:
        assert drip_until(line, bytes(600), threading.Event()) < 600, "it was borne as long as it went on"
        assert status_of(line) == 503


def test_a_connection_serves_one_piece_after_another(wire: Wire) -> None:
    data = os.urandom(20 * MIB)
    upload = wire.start(len(data), "line 8")
    connection = http.client.HTTPConnection("127.0.0.1", wire.portal.port, timeout=30)
    offset, lines = 0, set()
    while offset < len(data):
        piece = data[offset : offset + 5 * MIB]
        connection.request("PATCH", upload, piece, wire.headers(piece, Upload_Offset=offset))
        assert connection.sock
        lines.add(connection.sock.getsockname())
        answer = read_answer(connection.getresponse())
        assert answer.status == 204
        offset = answer.offset
    connection.close()
    assert len(lines) == 1
    assert received(wire.portal, upload) == data


def test_a_refusal_comes_before_the_body(wire: Wire) -> None:
    upload = wire.start(MIB, "line 9")
    with wire.open_patch(upload, 5, MIB - 5, Expect="100-continue") as line:
        assert status_of(line) == 409
    with wire.open_patch(upload, 0, MIB, Expect="100-continue") as line:
        assert status_of(line) == 100
        line.sendall(bytes(MIB))
        assert status_of(line) == 204


def test_a_body_longer_than_its_upload_is_refused_unread(wire: Wire) -> None:
    upload = wire.start(MIB, "line 10")
    with wire.open_patch(upload, 0, 50 * MIB) as line:
        assert status_of(line) == 413
    assert wire.head(upload).offset == 0


def test_a_body_without_a_length_is_refused(wire: Wire) -> None:
    upload = wire.start(MIB, "line 11")
    connection = http.client.HTTPConnection("127.0.0.1", wire.portal.port, timeout=30)
    connection.request("PATCH", upload, iter([b"x" * 100]), wire.headers(b"x", Upload_Offset=0), encode_chunked=True)
    assert read_answer(connection.getresponse()).status == 411
    connection.close()


def test_pages_answer_while_many_senders_stall(wire: Wire) -> None:
    lines = []
    for number in range(10):
        opened = wire.open_patch(wire.start(MIB, f"f{number}"), 0, MIB)
        lines.append(opened)
        opened.__enter__().sendall(b"x")
    began = time.monotonic()
    answer: Answer = wire("GET", "/healthz")
    assert (answer.status, answer.body) == (200, b"ok")
    assert time.monotonic() - began < 30  # none of them is given up within two minutes
    for opened in lines:
        opened.__exit__(None, None, None)
