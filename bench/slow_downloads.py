"""A thousand people download slowly at once: do pages still answer, and what does it cost in memory?"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from urllib.request import urlopen

from bench.figures import Figure, percentile
from bench.memory import peak_memory
from bench.stage import Stage
from bench.upload_data import GIB, write_random

PIECE = 16 * 1024
EVERY = 0.25  # seconds between two pieces: 64 KiB/s each
NAME = "movie.mrc"
COMMAND = ".venv/bin/python -m bench.downloads --only slow"


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    """Every other one takes the zip, the rest the file in it."""
    count, seconds = (50, 8) if quick else (1000, 30)
    dataset = portal.send(write_random(portal.folder / "slow" / NAME, GIB // 4).parent)
    link = portal.links(dataset)[0]
    pages = [f"{portal.url}/accounts/login/", link]
    alone = _page_times(pages, 5)
    with peak_memory(portal.web_pid) as before:
        time.sleep(1)
    urls = [f"{link}/{dataset}.zip", f"{link}/files/{NAME}"] * (count // 2)
    with slow_downloads(urls) as still_open, peak_memory(portal.web_pid) as during:
        busy = _page_times(pages, seconds)
        served = still_open()
    if served != count:
        raise SystemExit(f"only {served} of {count} downloads were served")
    name = f"{count} slow downloads of zips and files at once"
    yield _figure(f"pages, 95th percentile, {name}", "ms", percentile(busy, 95) * 1e3, "< 100 ms")
    yield _figure("pages, 95th percentile, nobody else there", "ms", percentile(alone, 95) * 1e3)
    yield _figure(f"web server's memory, {name}", "MB", during.megabytes, "< 300 MB")
    yield _figure("web server's memory before", "MB", before.megabytes)


def _figure(claim: str, unit: str, value: float, aim: str = "") -> Figure:
    return Figure(claim, unit, value, COMMAND, less_is_better=True, aim=aim)


@contextmanager
def slow_downloads(urls: Sequence[str]) -> Iterator[Callable[[], int]]:
    """Keeps a download of each open, taking a piece now and then; gives a function that counts those alive."""
    alive, stop = set[socket.socket](), threading.Event()
    reader = threading.Thread(target=_sip, args=(alive, stop), daemon=True)
    reader.start()
    try:
        for url in urls:
            alive.add(_begin(url))
        yield lambda: len(alive)
    finally:
        stop.set()
        reader.join()
        for one in alive:
            one.close()


def _begin(url: str) -> socket.socket:
    parts = urlsplit(url)
    one = socket.create_connection((parts.hostname, parts.port))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
    one.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: bench\r\n\r\n".encode())
    if not one.recv(1):  # one after the other: a thousand people do not click in the same moment
        raise SystemExit(f"{url} was not served")
    return one


def _sip(alive: set[socket.socket], stop: threading.Event) -> None:
    """The first ones while others begin: who takes nothing for a minute is cut off."""
    while not stop.wait(EVERY):
        for one in list(alive):
            with suppress(BlockingIOError):
                if not one.recv(PIECE, socket.MSG_DONTWAIT):
                    alive.discard(one)


def _page_times(urls: Sequence[str], seconds: float) -> list[float]:
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for url in urls:
            began = time.perf_counter()
            with urlopen(url, timeout=30) as answer:
                answer.read()
            times.append(time.perf_counter() - began)
            time.sleep(0.05)
    return times
