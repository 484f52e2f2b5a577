"""Two hundred people download slowly at once: does a page still answer, and what does it cost in memory?"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import urlopen

from bench.command_line import run_benches
from bench.figures import Figure, percentile
from bench.memory import peak_memory
from bench.stage import stage
from bench.upload_data import GIB, write_random

PIECE = 16 * 1024
EVERY = 0.25  # seconds between two pieces: 64 KiB/s each


def measure(quick: bool) -> Iterator[Figure]:
    count, seconds = (50, 10) if quick else (200, 30)
    command = ".venv/bin/python -m bench.slow_downloads" + (" --quick" if quick else "")
    with stage() as portal:
        url = portal.zip_url(portal.send(write_random(portal.folder / "large" / "movie.mrc", GIB // 4).parent))
        page = f"{portal.url}/accounts/login/"
        alone = _page_times(page, 5)
        with peak_memory(portal.web_pid) as before:
            time.sleep(1)
        with slow_downloads(url, count) as still_open, peak_memory(portal.web_pid) as during:
            busy = _page_times(page, seconds)
            served = still_open()
    name = f"{count} slow downloads at once"
    if served != count:
        raise SystemExit(f"only {served} of {count} downloads were served")
    yield Figure(
        f"page, 95th percentile, {name}", "ms", percentile(busy, 95) * 1e3, command, less_is_better=True, aim="< 100 ms"
    )
    yield Figure(
        "page, 95th percentile, nobody else there", "ms", percentile(alone, 95) * 1e3, command, less_is_better=True
    )
    yield Figure(f"web server memory, {name}", "MB", during.megabytes, command, less_is_better=True, aim="< 300 MB")
    yield Figure("web server memory before", "MB", before.megabytes, command, less_is_better=True)


@contextmanager
def slow_downloads(url: str, count: int) -> Iterator[Callable[[], int]]:
    """Keeps ``count`` downloads open, each taking a piece now and then; gives a function that counts those alive."""
    sockets = [_begin(url) for _ in range(count)]
    alive, stop = set(sockets), threading.Event()
    reader = threading.Thread(target=_sip, args=(alive, stop), daemon=True)
    reader.start()
    try:
        yield lambda: len(alive)
    finally:
        stop.set()
        reader.join()
        for one in sockets:
            one.close()


def _begin(url: str) -> socket.socket:
    parts = urlsplit(url)
    one = socket.create_connection((parts.hostname, parts.port))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
    one.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: bench\r\n\r\n".encode())
    return one


def _sip(alive: set[socket.socket], stop: threading.Event) -> None:
    while not stop.wait(EVERY):
        for one in list(alive):
            if not one.recv(PIECE):
                alive.discard(one)


def _page_times(url: str, seconds: float) -> list[float]:
    times: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        with urlopen(url, timeout=30) as answer:
            answer.read()
        times.append(time.perf_counter() - began)
        time.sleep(0.05)
    return times


if __name__ == "__main__":
    run_benches([measure])
