"""A server of somebody else's for the length of a block: started on loopback, stopped by its process id."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60.0


class NotStarted(Exception):
    """The server ended or stayed silent; the message holds what it wrote."""


@dataclass(frozen=True)
class Server:
    """``folder`` is where it stores what it receives; ``url`` is what its clients are given."""

    url: str
    folder: Path
    pid: int


@contextmanager
def serving(command: Sequence[str | Path], *, port: int, url: str, folder: Path) -> Iterator[Server]:
    """Runs ``command``, which listens on ``port``, until the block ends. Raises NotStarted."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        _await(process, port, log)
        yield Server(url, folder, process.pid)
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _accepts(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"{process.args!r} does not answer: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
