"""A line to a server that breaks: each connection ends after so many bytes, the later ones hold."""

import select
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

PIECE = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class CuttingLine:
    """Listens at ``port`` and passes bytes on to ``target``; ``cuts`` counts the connections that it has cut.

    By a reset, or ``orderly``, as a server does that ends. Once ``hold_at`` bytes are ``carried`` it waits for
    ``go_on``: ``holds`` says that it does.
    """

    def __init__(
        self, listener: socket.socket, target: int, after: Sequence[int], *, orderly: bool, hold_at: int | None
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self.cuts = self.carried = 0
        self._listener = listener
        self._target = target
        self._after = list(after)
        self._orderly, self._hold_at = orderly, hold_at
        self.holds, self.go_on = threading.Event(), threading.Event()

    def serve(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            if self._is_cut(client, server):
                self.cuts += 1
                for end in () if self._orderly else (client, server):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)

    def _is_cut(self, client: socket.socket, server: socket.socket) -> bool:
        """Whether the line broke before one of its ends hung up."""
        carried = 0
        while True:
            ready, _, _ = select.select([client, server], [], [])
            for end in ready:
                piece = end.recv(PIECE)
                if not piece:
                    return False
                (server if end is client else client).sendall(piece)
                carried += len(piece)
                self.carried += len(piece)
                if self._hold_at is not None and self.carried > self._hold_at:
                    self.holds.set()
                    self.go_on.wait()
            if self._after and carried > self._after[0]:
                self._after.pop(0)
                return True


@contextmanager
def cutting_line(
    target: int, after: Sequence[int], *, orderly: bool = False, hold_at: int | None = None
) -> Iterator[CuttingLine]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = CuttingLine(listener, target, after, orderly=orderly, hold_at=hold_at)
        thread = threading.Thread(target=line.serve, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            line.go_on.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
