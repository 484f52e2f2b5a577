"""Over real lines to the real server: a client that is cut off, one that resumes, several that fetch parts at once."""

import http.client
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.live_portal import LivePortal, environment_of, manage

SIZE = 24 * 1024 * 1024  # more than the buffers of two sockets hold

HANDED_OVER = f"""
import hashlib, zlib
from django.utils import timezone
from dataplane.names import path_key
from portal.models import DataFile, Dataset, DatasetRecipient, Project
from portal.storage import dataset_key, store
from sharing.links import token_of
from sharing.services.dispatch import dispatch_dataset
now, content = timezone.now(), bytes(range(256)) * ({SIZE} // 256)
project = Project.objects.create(code="em", name="Electron microscopy", contact_email="em@facility.example")
dataset = Dataset.objects.create(
    project=project, client_key="1", sender="upload_token:1", sent_by="Ada", name="session", title="Session",
    revision=1, state="released", closed_at=now, released_at=now, file_count=1, verified_count=1,
    bytes_expected=len(content), bytes_verified=len(content),
)
place = store().path(dataset_key(dataset) + "/movie.mrc")
place.parent.mkdir(parents=True)
place.write_bytes(content)
DataFile.objects.create(
    dataset=dataset, path="movie.mrc", path_key=hashlib.sha256(path_key("movie.mrc").encode()).hexdigest(),
    size=len(content), sha256=hashlib.sha256(content).hexdigest(), crc32=zlib.crc32(content), state="verified",
    verified_at=now,
)
DatasetRecipient.objects.create(dataset=dataset, email="rita@university.example")
(link,) = dispatch_dataset(dataset_id=dataset.pk, now=now)
print("/s/" + token_of(link))
"""


@dataclass
class Handover:
    portal: LivePortal
    address: str

    @property
    def zip(self) -> str:
        return f"{self.address}/session.zip"

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=30)) as line:
            line.request(method, path, headers=headers)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def receipt(self) -> dict[str, Any]:
        columns = "state, bytes_sent, bytes_total, requests, spans"
        rows = self.portal.query(f"select {columns} from sharing_receipt")  # noqa: S608  (a constant)
        assert len(rows) <= 1
        return dict(zip(columns.split(", "), rows[0], strict=True)) if rows else {}

    def link_state(self) -> object:
        return self.portal.query("select state from sharing_sharelink")[0][0]

    def downloads(self) -> list[tuple[object, ...]]:
        return self.portal.query("select bytes, complete from portal_auditevent where kind = 'downloaded' order by id")


@pytest.fixture
def handover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    var = tmp_path_factory.mktemp("var")
    manage(environment_of(var), "migrate", "--verbosity", "0")
    manage(environment_of(var), "collectstatic", "--no-input", "--verbosity", "0")
    told = manage(environment_of(var), "shell", "--no-imports", "--command", HANDED_OVER)
    portal = LivePortal(var, secret="")
    try:
        portal.start()
        yield Handover(portal, told.strip().splitlines()[-1])
    finally:
        portal.stop()


def until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_cut_line_is_recorded_as_partial_and_can_be_resumed(handover: Handover) -> None:
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=30) as line:
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


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(handover: Handover) -> None:
    place = next((handover.portal.var / "files").rglob("movie.mrc"))
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=30) as line:
        line.sendall(f"GET {handover.address}/files/movie.mrc HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        got = len(line.recv(65536))
        with place.open("r+b") as file:
            file.truncate(SIZE - 2**20)
        while piece := line.recv(1 << 20):
            got += len(piece)
    assert got < SIZE
    until(handover.downloads)
    assert handover.downloads()[0][1] == 0
    assert handover.portal.query("select count(*) from portal_auditevent where kind = 'stored_file_changed'") == [(1,)]
    assert handover.link_state() == "partial"


def test_tokens_stay_out_of_the_server_s_own_log(handover: Handover) -> None:
    token = handover.address.removeprefix("/s/")
    for path in (handover.address, handover.zip, f"{handover.address}/files/nothing", f"{handover.address}/%00"):
        handover.ask("GET", path)
    with socket.create_connection(("127.0.0.1", handover.portal.port), timeout=30) as line:
        line.sendall(f"GET {handover.address} HTTP/9.9\r\nbroken\r\n\r\n".encode())
        line.recv(4096)
    assert "GET /s/…" in handover.portal.log()
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
