"""P8: an S3 store answers 500, 503 or an error under 200 for a while: files wait, and are placed within two minutes."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import botocore.endpoint
import pytest
from django.utils import timezone

from portal import storage
from portal.models import DataFile, Dataset, Project
from portal.stores.declared import S3Settings
from tests.faults.conftest import Found
from tests.object_store import bucket_settings, object_store
from tests.uploads import conftest as uploads
from tests.uploads.conftest import Pc
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


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("illness", [500, 503, 200])
def test_files_wait_for_a_store_that_is_ill_and_are_placed_when_it_is_well(
    illness: int, ada: Pc, project: Project, s3_server: S3Settings, settings: Any, found: Found
) -> None:
    with door(s3_server) as ill:
        settings.STORES = {"objects": bucket_settings(f"http://127.0.0.1:{ill.server_port}")}
        storage.store_named("objects")
        Project.objects.update(store="objects")
        dataset = ada.make_dataset()
        ill.illness = illness
        for path, data in FILES.items():
            ada.send(dataset, path, data)
        assert ada.close(dataset).status_code == 200
        sweep(clock=timezone.now)
        assert set(DataFile.objects.values_list("state", flat=True)) == {"received"}
        assert ill.refused >= len(FILES)
        ill.illness = 0
        for passed in (timedelta(seconds=59), timedelta(seconds=119)):
            sweep(clock=lambda later=passed: timezone.now() + later)  # type: ignore[misc]
        dataset.refresh_from_db()
        assert (dataset.store, dataset.state) == ("objects", Dataset.State.RELEASED)
        for path, data in FILES.items():
            with storage.open_verified(dataset, path) as stream:
                assert stream.read() == data
    found(
        f"a store that answered {illness} to {ill.refused} writes: {len(FILES)} files waited, all placed within 120 s"
    )
