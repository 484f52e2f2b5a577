"""Many clients of one thread: downloads that are taken by sips, and requests that are never finished."""

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SIP = 16 * 1024
EVERY = 0.25  # seconds; so a download takes 64 KiB/s


@dataclass
class Crowd:
    downloads: list[socket.socket] = field(default_factory=list)
    dribblers: list[socket.socket] = field(default_factory=list)
    heads: dict[socket.socket, bytes] = field(default_factory=dict)
    ended: set[socket.socket] = field(default_factory=set)

    def served(self) -> int:
        """Downloads that were answered with 200 and not ended since."""
        return sum(head == b"HTTP/1.1 200" for head in self.heads.values()) - len(self.ended)

    def sip(self) -> None:
        for one in self.downloads:
            with suppress(BlockingIOError):
                try:
                    piece = one.recv(SIP, socket.MSG_DONTWAIT)
                except ConnectionError:
                    piece = b""
                self.heads.setdefault(one, piece[:12])
                if not piece:
                    self.ended.add(one)

    def dribble(self) -> None:
        for one in self.dribblers:
            with suppress(OSError):  # the server may have had enough of it
                one.send(b"X-Slow: " + os.urandom(2).hex().encode() + b"\r\n", socket.MSG_DONTWAIT)


@contextmanager
def slow_crowd(port: int, paths: Sequence[str], downloads: int, dribblers: int) -> Iterator[Crowd]:
    """`paths` are taken in turns. All are there when the block is entered, and are let go when it ends."""
    crowd, stop = Crowd(), threading.Event()
    keeper = threading.Thread(target=_keep, args=(crowd, stop), daemon=True)
    try:
        for number in range(downloads):
            crowd.downloads.append(
                _connect(port, f"GET {paths[number % len(paths)]} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            )
        for _ in range(dribblers):
            crowd.dribblers.append(_connect(port, "GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"))
        keeper.start()
        yield crowd
    finally:
        stop.set()
        if keeper.is_alive():
            keeper.join()
        for one in (*crowd.downloads, *crowd.dribblers):
            one.close()


def _connect(port: int, text: str) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP)
    one.settimeout(60)
    one.connect(("127.0.0.1", port))
    one.sendall(text.encode())
    return one


def _keep(crowd: Crowd, stop: threading.Event) -> None:
    ticks = 0
    while not stop.wait(EVERY):
        crowd.sip()
        if ticks % 4 == 0:
            crowd.dribble()
        ticks += 1
