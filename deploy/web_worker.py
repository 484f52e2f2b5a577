"""gunicorn's worker with threads, whose loop waits for no client, and who takes no more than it has threads for.

gunicorn 27 gives a client that is to hang up two seconds for it, in the loop that accepts all others: forty clients
that do not hang up stop a worker for more than a minute, and then it is killed with all that it is sending. Here the
thread of the request waits instead; when the loop then closes the connection there is nothing left to wait for.

It also accepts connections for which no thread is left, which then wait for the end of some download, maybe for hours,
while another process has threads to spare. Here they are left to that one.
"""

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers import gthread  # type: ignore[import-untyped]

_LONGEST_FAREWELL = 2.0  # seconds, as gunicorn has it


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
    def accept(self, listener: Any) -> None:
        super().accept(listener)
        if self._has_no_thread_left():
            self.set_accept_enabled(False)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Called at each turn of the loop while nothing is accepted; the end of a request is such a turn."""
        super().set_accept_enabled(enabled and not self._has_no_thread_left())

    def _has_no_thread_left(self) -> bool:
        waiting = len(self.keepalived_conns) + len(self.pending_conns)
        return bool(self.nr_conns - waiting >= self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        """False when the connection is to be closed."""
        stays = super().handle(conn)
        if not stays:
            see_off(conn.sock)
        return stays


def see_off(connection: socket.socket) -> None:
    """Says that nothing more comes, and hears the client out for a while: what it still sends would make the system
    throw away the end of the answer (RFC 9112 section 9.6). The connection is left to be closed."""
    end = time.monotonic() + _LONGEST_FAREWELL
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(65536):
                break
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
