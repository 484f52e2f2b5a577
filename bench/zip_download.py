"""A dataset as one zip: first byte and rate, of many files and of one large file, beside Python's own zipfile."""

import http.client
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.command_line import run_benches
from bench.figures import Figure
from bench.stage import Stage, stage
from bench.upload_data import GIB, write_random, write_small_files

PIECE = 2**20
SIZE = 10 * 1024


def measure(quick: bool) -> Iterator[Figure]:
    command = ".venv/bin/python -m bench.zip_download" + (" --quick" if quick else "")
    with stage() as portal:
        small = write_small_files(portal.folder / "small", 200 if quick else 1000, (SIZE, SIZE))
        yield from _figures(portal, small, f"zip of {200 if quick else 1000} files of 10 KiB", command)
        size = GIB // 4 if quick else 2 * GIB
        large = write_random(portal.folder / "large" / "movie.mrc", size).parent
        yield from _figures(portal, large, f"zip of one file of {size / GIB:g} GiB", command)


def _figures(portal: Stage, folder: Path, name: str, command: str) -> Iterator[Figure]:
    dataset = portal.send(folder)
    first_byte, _rate = _download(portal.zip_url(dataset))
    yield Figure(
        f"first byte, {name}, layout not yet cached",
        "ms",
        first_byte * 1e3,
        command,
        less_is_better=True,
        aim="< 200 ms",
    )
    downloads = [_download(portal.zip_url(dataset)) for _ in range(3)]
    peers = [_zipfile(folder, portal.folder / "peer.zip") for _ in range(3)]
    yield Figure(
        f"first byte, {name}",
        "ms",
        min(first for first, _ in downloads) * 1e3,
        command,
        less_is_better=True,
        aim="< 200 ms",
    )
    best = max(rate for _, rate in downloads)
    yield Figure(
        f"rate, {name}", "MB/s", best, command, {"Python zipfile to a file, stored": max(peers)}, aim="2 x the peer"
    )


def _download(url: str) -> tuple[float, float]:
    """Seconds to the first byte of the body, and MB/s of the whole."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    began = time.perf_counter()
    connection.request("GET", parts.path)
    answer = connection.getresponse()
    received = len(answer.read(1))
    first_byte = time.perf_counter() - began
    buffer = memoryview(bytearray(PIECE))
    while count := answer.readinto(buffer):
        received += count
    seconds = time.perf_counter() - began
    if answer.status != 200 or received != int(answer.headers["Content-Length"]):
        raise SystemExit(f"{answer.status}: {received} bytes of {answer.headers['Content-Length']}")
    connection.close()
    return first_byte, received / seconds / 1e6


def _zipfile(folder: Path, target: Path) -> float:
    """MB/s of Python's zipfile, stored, without network."""
    began = time.perf_counter()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    rate = target.stat().st_size / (time.perf_counter() - began) / 1e6
    target.unlink()
    return rate


if __name__ == "__main__":
    run_benches([measure])
