"""P8: an S3 store answers 500, 503 or an error under 200 for a while: files wait, and are placed within two minutes."""

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import botocore.endpoint
import pytest
from django.utils import timezone

from dataplane.checksums import Digests, Reader
from dataplane.errors import StoreTrouble
from dataplane.store import Store
from portal import storage
from portal.models import DataFile, Dataset, Project
from portal.stores.declared import S3Settings
from tests.faults.conftest import Found
from tests.object_store import bucket_settings, object_store
from tests.uploads import conftest as uploads
from tests.uploads.conftest import Pc
from uploads.services import placing, verification
from uploads.services.work import sweep

make_pc, ada, real_commits = uploads.make_pc, uploads.ada, uploads.real_commits
pytestmark = pytest.mark.promise("P8")
ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We are ill.</Message></Error>"
HOP_BY_HOP = ("connection", "transfer-encoding", "content-length")
FILES = {f"{number}.tif": bytes([number]) * 5000 for number in range(3)}


class Door(ThreadingHTTPServer):
    """In front of a real store; while `illness` is a status, that is all that comes of a request to write."""

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target, self.illness, self.refused = target, 0, 0


class _Passing(BaseHTTPRequestHandler):
    server: Door
    protocol_version = "HTTP/1.1"  # else the client waits a second for leave to send each body

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.illness and self.command in ("PUT", "POST"):
            self.server.refused += 1
            self._answer(self.server.illness, {"Content-Type": "application/xml"}, ERROR)
            return
        line = http.client.HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        line.request(self.command, self.path, body or None, dict(self.headers.items()))
        answer = line.getresponse()
        self._answer(answer.status, dict(answer.getheaders()), answer.read(), answer.getheader("Content-Length"))
        line.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815

    def _answer(self, status: int, headers: dict[str, str], body: bytes, length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def door(settings: S3Settings) -> Iterator[Door]:
    port = urlsplit(settings.endpoint).port
    assert port
    with Door(port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Settings]:
    with object_store() as settings:
        yield settings


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client tries as often as ever, but without the pauses between."""
    clock = SimpleNamespace(sleep=lambda seconds: None, time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr(botocore.endpoint, "time", clock)


@pytest.fixture
def ill_store(ada: Pc, project: Project, s3_server: S3Settings, settings: Any, impatient: None) -> Iterator[Door]:
    """Where the project's files are to go."""
    with door(s3_server) as ill:
        settings.STORES = {"objects": bucket_settings(f"http://127.0.0.1:{ill.server_port}")}
        storage.store_named("objects")
        Project.objects.update(store="objects")
        yield ill


def be_ill(store: Door, illness: int, ada: Pc) -> None:
    """While a worker looks at the files; well again 59 seconds later."""
    dataset = ada.make_dataset()
    store.illness = illness
    for path, data in FILES.items():
        ada.send(dataset, path, data)
    assert ada.close(dataset).status_code == 200
    sweep(clock=timezone.now)
    assert states() == {"received"}, f"of an ill store: {states()}"
    assert store.refused >= len(FILES)
    store.illness = 0
    for passed in (timedelta(seconds=59), timedelta(seconds=119)):
        sweep(clock=lambda later=passed: timezone.now() + later)  # type: ignore[misc]
    assert states() == {"verified"}, f"two minutes later: {states()}"
    dataset.refresh_from_db()
    assert (dataset.store, dataset.state) == ("objects", Dataset.State.RELEASED)
    for path, data in FILES.items():
        with storage.open_verified(dataset, path) as stream:
            assert stream.read() == data


def states() -> set[str]:
    return set(DataFile.objects.values_list("state", flat=True))


@pytest.mark.parametrize("illness", [500, 503, 200])
def test_files_wait_for_a_store_that_is_ill_and_are_placed_when_it_is_well(
    illness: int, ill_store: Door, ada: Pc, found: Found
) -> None:
    be_ill(ill_store, illness, ada)
    found(
        f"a store that answered {illness} to {ill_store.refused} writes: {len(FILES)} files waited, "
        "all placed within 120 s"
    )


def believe(target: Store, key: str, source: Reader, expected: Digests) -> None:
    """Nothing is read back, and an error under 200 is none."""
    with suppress(StoreTrouble):
        target.put(key, source, expected.size)


PLANTED = {
    "an answer of 200 is believed": (200, placing, "put_checked", believe, "of an ill store: {'verified'}"),
    "trouble is final": (503, verification, "_is_passing", lambda failure: False, "of an ill store: {'corrupt'}"),
    "a file is tried again after an hour": (
        503, verification, "_AGAIN_AFTER", timedelta(hours=1), "two minutes later: {'received'}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_portal_that_believes_or_gives_up_an_ill_store_would_be_noticed(
    fault: str, ill_store: Door, ada: Pc, monkeypatch: pytest.MonkeyPatch, found: Found
) -> None:
    illness, module, name, planted, noticed = PLANTED[fault]
    monkeypatch.setattr(module, name, planted)
    with pytest.raises(AssertionError, match=re.escape(noticed)):
        be_ill(ill_store, illness, ada)
    found(f"planted, {fault}: noticed, {noticed}")
