"""gunicorn's worker with threads, whose loop waits for no client.

gunicorn 27 gives a client that is to hang up two seconds for it, in the loop that accepts all others: forty clients
that do not hang up stop a worker for more than a minute, and then it is killed with all that it is sending. Here the
thread of the request waits instead; when the loop then closes the connection there is nothing left to wait for.
"""

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers import gthread  # type: ignore[import-untyped]

_LONGEST_FAREWELL = 2.0  # seconds, as gunicorn has it


class ThreadWorker(gthread.ThreadWorker):  # type: ignore[misc]
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
