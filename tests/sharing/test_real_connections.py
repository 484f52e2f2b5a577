"""Over real lines to the real server: a client that is cut off, one that resumes, several that fetch parts at once."""

import json
import shutil
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.sharing.handover import Handover, handed_over, until

pytestmark = pytest.mark.own_database

SIZE = 24 * 1024 * 1024  # more than the buffers of two sockets hold


@pytest.fixture
def handover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("var"), {"movie.mrc": SIZE}) as handover:
        yield handover


def test_a_cut_line_is_recorded_as_partial_and_can_be_resumed(handover: Handover) -> None:
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=60) as line:
        line.sendall(f"GET {handover.zip} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        until(lambda: handover.receipt().get("state") == "started")
        assert handover.link_state() == "started"
    until(handover.downloads)
    cut = handover.receipt()
    assert cut["state"] == "partial"
    assert 0 < cut["bytes_sent"] < SIZE
    assert handover.downloads() == [(cut["bytes_sent"], 0)]
    status, headers, rest = handover.ask("GET", handover.zip, Range=f"bytes={cut['bytes_sent']}-")
    assert (status, len(rest)) == (206, cut["bytes_total"] - cut["bytes_sent"])
    assert headers["Content-Range"] == f"bytes {cut['bytes_sent']}-{cut['bytes_total'] - 1}/{cut['bytes_total']}"
    until(lambda: handover.receipt()["state"] == "complete")
    assert handover.link_state() == "complete"
    assert handover.downloads()[-1] == (len(rest), 1)


def test_connections_that_fetch_parts_at_once_add_up(handover: Handover) -> None:
    total = int(handover.ask("HEAD", handover.zip)[1]["Content-Length"])
    step = total // 8 + 1
    parts = [f"bytes={start}-{min(start + step, total) - 1}" for start in range(0, total, step)]
    with ThreadPoolExecutor(4) as several:
        contents = list(several.map(lambda part: handover.ask("GET", handover.zip, Range=part)[2], parts))
    assert b"".join(contents) == handover.ask("GET", handover.zip)[2]
    until(lambda: handover.receipt().get("requests") == len(parts) + 1)
    receipt = handover.receipt()
    assert (receipt["state"], receipt["bytes_sent"], json.loads(receipt["spans"])) == ("complete", total, [[0, total]])


def test_of_ten_that_begin_at_once_as_many_pass_as_the_link_allows(handover: Handover) -> None:
    handover.change("update sharing_sharelink set most_downloads = 2")
    with ThreadPoolExecutor(10) as several:
        seen = list(several.map(lambda _: handover.ask("GET", handover.zip)[0], range(10)))
    assert sorted(seen) == [200] * 2 + [410] * 8
    assert handover.portal.query("select downloads from sharing_sharelink") == [(2,)]


def test_a_range_that_the_kernel_sends_is_the_slice_and_counts_exactly(handover: Handover) -> None:
    path = f"{handover.address}/files/movie.mrc"
    whole = handover.ask("GET", path)[2]
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=60) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nRange: bytes=1000-\r\n\r\n".encode())
        assert line.recv(65536).startswith(b"HTTP/1.1 206")
        until(lambda: handover.portal.query("select count(*) from sharing_runningrequest") == [(1,)])
    until(lambda: len(handover.downloads()) == 2)
    cut = int(str(handover.downloads()[1][0]))
    assert 0 < cut < SIZE - 1000
    rest = handover.ask("GET", path, Range=f"bytes={1000 + cut}-")[2]
    assert rest == whole[1000 + cut :]
    until(lambda: len(handover.downloads()) == 3)
    assert handover.downloads()[2][0] == len(rest)
    assert "stored_file_changed" not in str(handover.portal.query("select kind from portal_auditevent"))


@pytest.mark.parametrize("start", [0, 1000])  # read by us, and sent by the kernel
def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(handover: Handover, start: int) -> None:
    place = next((handover.portal.var / "files").rglob("movie.mrc"))
    ranged = f"Range: bytes={start}-\r\n" if start else ""
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=60) as line:
        line.sendall(f"GET {handover.address}/files/movie.mrc HTTP/1.1\r\n{ranged}Host: 127.0.0.1\r\n\r\n".encode())
        got = len(line.recv(65536))
        with place.open("r+b") as file:
            file.truncate(SIZE - 2**20)
        while piece := line.recv(1 << 20):
            got += len(piece)
    assert got < SIZE - start
    until(handover.downloads)
    assert handover.downloads()[0][1] == 0
    assert handover.portal.query("select count(*) from portal_auditevent where kind = 'stored_file_changed'") == [(1,)]
    assert handover.link_state() == "partial"


def test_clients_that_do_not_hang_up_hold_up_nobody(handover: Handover) -> None:
    """Each is given two seconds for it; one after the other that would be more than a minute."""
    place = ("127.0.0.1", handover.portal.port)
    with ExitStack() as held:
        lines = [held.enter_context(socket.create_connection(place, timeout=60)) for _ in range(40)]
        for line in lines:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert lines[-1].recv(65536).startswith(b"HTTP/1.1 200")
        time.sleep(0.5)
        began = time.monotonic()
        assert handover.ask("GET", "/healthz")[0] == 200
        assert time.monotonic() - began < 30


def test_tokens_stay_out_of_the_server_s_own_log(handover: Handover) -> None:
    token = handover.address.removeprefix("/s/")
    for path in (handover.address, handover.zip, f"{handover.address}/files/nothing", f"{handover.address}/%00"):
        handover.ask("GET", path)
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=60) as line:
        line.sendall(f"GET {handover.address} HTTP/9.9\r\nbroken\r\n\r\n".encode())
        line.recv(4096)
    until(lambda: "GET /s/…" in handover.portal.log())
    assert token not in handover.portal.log()


def test_not_even_a_crash_tells_the_token(handover: Handover) -> None:
    """Pages fail when their static files are gone; what is asked for then stands in tracebacks."""
    shutil.rmtree(handover.portal.var / "static")
    handover.portal.stop()
    handover.portal.start()
    for path in (handover.address, f"{handover.address}/%00", f"{handover.address}/nothing"):
        assert handover.ask("GET", path)[0] == 500
    assert "Traceback" in handover.portal.log()
    assert handover.address.removeprefix("/s/") not in handover.portal.log()
