"""The programs that people have go on where they were, also after the server was killed, and get every byte right."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sharing.handover import Handover, handed_over, until

pytestmark = pytest.mark.own_database

MIB = 1024 * 1024
LARGE = 40 * MIB  # far more than waits in the buffers of two sockets
SMALL = {f"tiles/{number:03d}.tif": 999 for number in range(300)}
SIZES = {"movie.mrc": LARGE, "grid 1/Übersicht.tif": MIB, **SMALL}
# Eight seconds for all of it, so that the server is killed before the end also where its killer is slow.
FAST_ENOUGH = {"curl": ["--limit-rate", "5m"], "wget": ["--limit-rate=5m"], "aria2c": ["--max-download-limit=5M"]}
CLIENTS = {
    "curl": ["curl", "-fsS", "-C", "-", "-o", "{out}", "{url}"],
    "wget": ["wget", "-q", "-c", "--tries=1", "-O", "{out}", "{url}"],
    "aria2c": [
        "aria2c", "-q", "-c", "-x", "8", "-s", "8", "-k", "1M", "--file-allocation=none", "--disk-cache=0",
        "--max-tries=1", "--auto-save-interval=1", "-d", "/", "-o", "{out}", "{url}",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def portal_with_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("var"), SIZES) as handover:
        yield handover


@pytest.fixture
def handover(portal_with_data: Handover) -> Handover:
    portal_with_data.forget()
    return portal_with_data


def begin(client: str, url: str, out: Path, *more: str) -> "subprocess.Popen[bytes]":
    command = [part.format(out=out, url=url) for part in CLIENTS[client]]
    return subprocess.Popen([command[0], *more, *command[1:]], stdin=subprocess.DEVNULL)


def arrived(out: Path) -> int:
    """Bytes written, of a file that may have holes."""
    return out.stat().st_blocks * 512 if out.exists() else 0


@pytest.mark.parametrize("what", ["the zip", "a file"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_download_goes_on_after_the_server_was_killed(
    handover: Handover, client: str, what: str, tmp_path: Path
) -> None:
    path = handover.zip if what == "the zip" else f"{handover.address}/files/movie.mrc"
    out, url = tmp_path / "got", handover.url(path)
    with begin(client, url, out, *FAST_ENOUGH[client]) as first:
        until(lambda: arrived(out) > 2 * MIB)
        handover.portal.kill()
        ended = first.wait(180)
    handover.portal.start()
    assert ended != 0
    assert 0 < arrived(out) < LARGE
    assert begin(client, url, out).wait(180) == 0
    total = int(handover.ask("HEAD", path)[1]["Content-Length"])
    until(lambda: handover.known_or_unknowable() == total)
    whole = handover.ask("GET", path, **{"User-Agent": "Slackbot"})[2]
    assert (out.stat().st_size, hashlib.sha256(out.read_bytes()).digest()) == (total, hashlib.sha256(whole).digest())


@pytest.mark.parametrize("client", CLIENTS)
def test_who_has_it_whole_gets_nothing_twice(handover: Handover, client: str, tmp_path: Path) -> None:
    out, url = tmp_path / "got", handover.url(handover.zip)
    assert begin(client, url, out).wait(180) == 0
    content = out.read_bytes()
    begin(client, url, out).wait(180)
    assert out.read_bytes() == content
    until(lambda: handover.receipt()["state"] == "complete")
