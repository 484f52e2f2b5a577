"""``labcourier get`` of many small files, beside other programs that fetch a folder."""

import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.download_peers import Fetch, flush_and_hash, peers_of
from bench.download_zip import SIZES
from bench.figures import Figure
from bench.processor import processor_seconds
from bench.rounds import interleaved, medians, rounds_of
from bench.stage import Stage
from bench.upload_data import write_small_files

OURS = "labcourier get"
COMMAND = ".venv/bin/python -m bench.downloads --only get"
AIM = "5 times the best that sends a request a file, not slower than rsync"


@dataclass(frozen=True)
class Fetched:
    """Seconds for all files; with ``sync`` and ``sha256sum`` of what came; processor seconds of ours, both sides."""

    seconds: float
    verified_seconds: float
    client: float = 0.0
    server: float = 0.0


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    count = 500 if quick else 20_000
    source = write_small_files(portal.folder / "fetched", count, SIZES)
    rounds = rounds_of(quick)
    # A link for each turn, the warm-up's too: receipts of files that were fetched before cost less.
    links = iter(portal.links(portal.send(source, 1 + rounds), 1 + rounds))
    with peers_of(source, portal.folder) as peers:
        contenders: dict[str, Callable[[], Fetched]] = {OURS: lambda: _ours(portal, next(links), count)}
        contenders |= {name: _turn_of(fetch, portal.folder, count) for name, fetch in peers.items()}
        seen = interleaved(contenders, rounds)
    yield from _figures(seen, count)


def _figures(seen: dict[str, list[Fetched]], count: int) -> Iterator[Figure]:
    plain = medians(seen, lambda fetched: count / fetched.seconds)
    verified = medians(seen, lambda fetched: count / fetched.verified_seconds)
    ours = plain.pop(OURS)
    del verified[OURS]
    peers = plain | {f"{name}, sync, sha256sum": rate for name, rate in verified.items()}
    name = f"{count:,} files of 4 to 96 KiB, fetched and verified"
    yield Figure(name, "files/s", ours, COMMAND, peers, aim=AIM)
    for side in ("client", "server"):
        spent = medians({OURS: seen[OURS]}, lambda fetched: float(getattr(fetched, side)) / count * 1e3)  # noqa: B023
        yield Figure(f"{name}, {side}'s processor", "ms/file", spent[OURS], COMMAND, less_is_better=True)


def _ours(portal: Stage, link: str, count: int) -> Fetched:
    with tempfile.TemporaryDirectory(prefix="get-", dir=portal.folder) as folder:
        into = Path(folder) / "data"
        client, server = _client_seconds(), processor_seconds(*portal.pids)
        began = time.perf_counter()
        portal.await_agent(portal.start_agent("get", link, str(into), "--json"))
        seconds = time.perf_counter() - began
        client, server = _client_seconds() - client, processor_seconds(*portal.pids) - server
        _expect(into, count)
        return Fetched(seconds, seconds, client, server)


def _turn_of(fetch: Fetch, scratch: Path, count: int) -> Callable[[], Fetched]:
    def turn() -> Fetched:
        into = Path(tempfile.mkdtemp(prefix="get-", dir=scratch))
        seconds = fetch(into)
        verified_seconds = seconds + flush_and_hash(into)
        _expect(into, count)
        shutil.rmtree(into)
        return Fetched(seconds, verified_seconds)

    return turn


def _client_seconds() -> float:
    """Processor time of the programs started here that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _expect(folder: Path, count: int) -> None:
    found = sum(1 for _ in folder.rglob("*.tif"))
    if found != count:
        raise SystemExit(f"{found} of {count} files in {folder}")
