"""Many small files as one zip, and the last tenth of it, beside other ways of making a zip of a folder."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.processor import processor_seconds
from bench.rounds import interleaved, medians, rounds_of
from bench.stage import Stage
from bench.upload_data import write_small_files
from bench.web_client import fetch, first_byte
from peers.rclone import rclone_http
from peers.zipstream_server import zipstream_server

KIB = 1024
SIZES = (4 * KIB, 96 * KIB)  # 20 000 of them are 1 GB
SETTLE = 0.2  # seconds until a server has written down what it sent
PIECE = 2**20
OURS, PIPE = "ours", "zip -0 to a pipe"
COMMAND = ".venv/bin/python -m bench.downloads --only zip"


@dataclass(frozen=True)
class Taken:
    """One whole zip: seconds to its first byte, MB/s, the server's processor seconds for each GB."""

    first_byte: float
    rate: float
    processor: float


Taking = Callable[[], Taken]


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    count = 500 if quick else 20_000
    source = write_small_files(portal.folder / "zipped", count, SIZES)
    at_least = sum(path.stat().st_size for path in source.rglob("*.tif"))
    url = portal.zip_url(portal.send(source))
    with _contenders(portal, url, source, at_least) as (contenders, addresses):
        yield _first_of_all(url, count)
        seen = interleaved(contenders, rounds_of(quick))
        yield from _figures(seen, f"zip of {count:,} files, {at_least / 1e9:.2g} GB")
        whole = {name: at_least / 1e6 / rate for name, rate in medians(seen, lambda taken: taken.rate).items()}
        yield from _resumed(portal, addresses, whole)


def _first_of_all(url: str, count: int) -> Figure:
    """Nobody has asked for this zip before."""
    seconds = first_byte(url).seconds
    return Figure(f"zip of {count:,} files, first byte, never asked for", "ms", seconds * 1e3, COMMAND)


@contextmanager
def _contenders(
    portal: Stage, url: str, source: Path, at_least: int
) -> Iterator[tuple[dict[str, Taking], dict[str, str]]]:
    """What takes the whole zip once, and the addresses of those that have one."""
    with rclone_http(source) as rclone, zipstream_server(source, portal.folder / "gunicorn") as gunicorn:
        servers = {
            OURS: (url, portal.pids),
            "rclone serve http": (f"{rclone.url}/?download=zip", [rclone.pid]),
            "zipstream-ng, gunicorn": (gunicorn.url, [gunicorn.pid]),
        }
        served = {name: _taking(url, pids, at_least) for name, (url, pids) in servers.items()}
        yield served | {PIPE: lambda: _by_pipe(source)}, {name: url for name, (url, _) in servers.items()}


def _taking(url: str, pids: list[int], at_least: int) -> Taking:
    def take() -> Taken:
        began_after = first_byte(url).seconds
        time.sleep(SETTLE)
        before = processor_seconds(*pids)
        fetched = fetch(url)
        time.sleep(SETTLE)
        if fetched.status != 200 or fetched.size < at_least:
            raise SystemExit(f"{url}: {fetched.size} bytes with status {fetched.status}, {at_least} at least expected")
        spent = processor_seconds(*pids) - before
        return Taken(began_after, fetched.size / fetched.seconds / 1e6, spent / fetched.size * 1e9)

    return take


def _by_pipe(source: Path) -> Taken:
    buffer, size = memoryview(bytearray(PIECE)), 0
    began = time.perf_counter()
    with subprocess.Popen(
        ["zip", "-0", "-q", "-r", "-", "."], cwd=source, stdout=subprocess.PIPE, bufsize=0
    ) as program:
        if program.stdout is None:
            raise SystemExit("zip has no output")
        size += len(program.stdout.read(1) or b"")
        began_after = time.perf_counter() - began
        while count := program.stdout.readinto(buffer):  # type: ignore[attr-defined]  # it is a FileIO
            size += count
        seconds = time.perf_counter() - began
        _, _, spent = os.wait4(program.pid, 0)
        program.returncode = 0
    return Taken(began_after, size / seconds / 1e6, (spent.ru_utime + spent.ru_stime) / size * 1e9)


def _figures(seen: dict[str, list[Taken]], name: str) -> Iterator[Figure]:
    first = medians(seen, lambda taken: taken.first_byte * 1e3)
    rate = medians(seen, lambda taken: taken.rate)
    processor = medians(seen, lambda taken: taken.processor)
    yield _figure(f"{name}, first byte", "ms", first, less_is_better=True, aim="< 200 ms")
    yield _figure(f"{name}, rate", "MB/s", rate, aim="2 times the best peer")
    yield _figure(f"{name}, server's processor", "s/GB", processor, less_is_better=True, aim="less than all")


def _figure(claim: str, unit: str, by_name: dict[str, float], *, less_is_better: bool = False, aim: str = "") -> Figure:
    peers = {name: value for name, value in by_name.items() if name != OURS}
    return Figure(claim, unit, by_name[OURS], COMMAND, peers, less_is_better=less_is_better, aim=aim)


def _resumed(portal: Stage, addresses: dict[str, str], whole: dict[str, float]) -> Iterator[Figure]:
    """``whole``: seconds each takes for all of the zip. Peers answer a range from the beginning, so until the first
    byte that was missing they take nine tenths of that.
    """
    start, exact = _tail_is_exact(portal.folder, addresses[OURS])
    times = [first_byte(addresses[OURS], f"{start}-").seconds for _ in range(5)]
    asked = {name: first_byte(url, f"{start}-") for name, url in addresses.items()}
    notes = {name: _in_words(answer.status, answer.range) for name, answer in asked.items()} | {PIPE: "starts over"}
    notes[OURS] += ", the same bytes" if exact else ", OTHER BYTES"
    again = {
        name: 900 * seconds
        for name, seconds in whole.items()
        if name != OURS and (name == PIPE or asked[name].status != 206)
    }
    claim = "zip resumed at 90 %, until the first byte that was missing"
    ours = statistics.median(times) * 1e3
    yield Figure(claim, "ms", ours, COMMAND, again, less_is_better=True, aim="exact, < 300 ms", notes=notes)


def _tail_is_exact(folder: Path, url: str) -> tuple[int, bool]:
    """Where the last tenth begins, and whether it came as in the whole."""
    whole, tail = folder / "whole.zip", folder / "tail.zip"
    start = fetch(url, into=whole).size * 9 // 10
    fetch(url, f"{start}-", into=tail)
    with whole.open("rb") as all_of_it:
        all_of_it.seek(start)
        exact = all_of_it.read() == tail.read_bytes()
    whole.unlink()
    tail.unlink()
    return start, exact


def _in_words(status: int, content_range: str) -> str:
    return f"{status}, {content_range}" if status == 206 else f"{status}, from the beginning"
