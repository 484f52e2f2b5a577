"""A line on which each connection gets so many bytes a second, as far away, or where lines are shared fairly."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 64 * 1024


@dataclass
class ThrottlingProxy:
    """Listens on loopback from `running` on. `rate`: bytes a second towards the client, of each connection.

    `carried`: bytes towards the client by connection. The largest number is what a transfer waits for on such a line.
    """

    upstream: int
    rate: float
    carried: dict[int, int] = field(default_factory=dict)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def passed(self) -> int:
        with self._counting:
            return sum(self.carried.values())

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def running(self) -> Iterator[None]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield
        finally:
            with suppress(OSError):  # macOS: not connected
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            upwards = threading.Thread(target=self._carry, args=(client, server), daemon=True)
            upwards.start()
            self._carry_slowly(server, client)
            upwards.join()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                sink.sendall(piece)
        _end(source, sink)

    def _carry_slowly(self, source: socket.socket, sink: socket.socket) -> None:
        free_at = 0.0
        with suppress(OSError):
            port = sink.getpeername()[1]
            while piece := source.recv(PIECE):
                free_at = max(free_at, time.monotonic()) + len(piece) / self.rate
                with self._counting:
                    self.carried[port] = self.carried.get(port, 0) + len(piece)
                sink.sendall(piece)
                time.sleep(max(free_at - time.monotonic(), 0.0))
        _end(source, sink)


def _end(*lines: socket.socket) -> None:
    for line in lines:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
