"""Our agent's tus client against the servers of others: it keeps to the protocol, not to our portal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from labcourier_agent.exits import NotFound, TryLater
from labcourier_agent.tus_client import TusClient
from peers.node import tus_node_server
from peers.servers import Server
from peers.tusd import tusd
from tests.interop.cutting_line import cutting_line

MIB = 1024 * 1024
StartServer = Callable[[Path], AbstractContextManager[Server]]


@pytest.fixture(scope="module", params=[tusd, tus_node_server], ids=["tusd", "@tus/server"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    start: StartServer = request.param
    with start(tmp_path_factory.mktemp("server") / "files") as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60, trust_env=False) as client:
        yield client


def pieces(path: Path, offset: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(offset)
        while piece := file.read(256 * 1024):
            yield piece


def stored(server: Server, url: str) -> bytes:
    return (server.folder / urlsplit(url).path.rpartition("/")[2]).read_bytes()


def test_a_small_file_travels_with_its_creation(server: Server, http: httpx2.Client) -> None:
    created = TusClient(http, server.url).create(5, {"path": "ä/scan.tif"}, b"01234")
    assert (created.offset, stored(server, created.url)) == (5, b"01234")


def test_a_large_file_goes_on_after_each_cut(server: Server, http: httpx2.Client, scan: Path) -> None:
    length = scan.stat().st_size
    with cutting_line(urlsplit(server.url).port or 0, [5 * MIB, 9 * MIB]) as line:
        client = TusClient(http, server.url.replace(f":{urlsplit(server.url).port}", f":{line.port}"))
        url, offsets = client.create(length, {"path": "scan.mrc"}).url, [0]
        while offsets[-1] < length:
            try:
                client.append(url, offsets[-1], length - offsets[-1], pieces(scan, offsets[-1]))
            except TryLater:
                assert line.cuts == len(offsets), "the line held, yet the server refused"
            offsets.append(client.offset(url, length))
    assert line.cuts == 2
    assert offsets == sorted(offsets)
    assert stored(server, url) == scan.read_bytes()


def test_an_upload_that_was_given_up_is_gone(server: Server, http: httpx2.Client) -> None:
    client = TusClient(http, server.url)
    url = client.create(10, {"path": "scan.mrc"}).url
    client.terminate(url)
    client.terminate(url)
    with pytest.raises(NotFound):
        client.offset(url, 10)
