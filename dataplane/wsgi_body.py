"""A request body under gunicorn's threads, read so that the reader can look up from it at any time.

A plain `read(n)` of a WSGI input blocks until n bytes are there; a sender who stalls or trickles would keep a
writer from noticing that a newer request wants its upload. So the socket (`gunicorn.socket` in the environ) is
read without blocking and waited for at most a second at a time. It needs gunicorn 27 or newer, where a read that
cannot be served yet keeps what it has; a test against the real server proves it.
Without that socket (other servers, Django's test client) reads block.
"""

import select
import socket
import ssl
import time
from typing import Any, Self

from dataplane.errors import BodyCut

_WAKE_UP = 1000  # milliseconds
_LEAST_BYTES = 1024  # within the idle time; who sends less is not sending
_NOT_YET = (BlockingIOError, TimeoutError, ssl.SSLWantReadError)
_HELD = "X-LABCOURIER-CONTINUE"


class WsgiBody:
    """A `dataplane.receive.Body`; a context manager that leaves the socket as it found it."""

    def __init__(self, environ: dict[str, Any], *, length: int, idle_seconds: float) -> None:
        self._input = environ["wsgi.input"]
        self._socket: socket.socket | None = environ.get("gunicorn.socket")
        self._continue_is_due = environ.get(f"HTTP_{_HELD}".replace("-", "_")) == "held"
        self._left = length
        self._idle_seconds = idle_seconds
        self._window_began, self._window_bytes = time.monotonic(), 0
        self._timeout: float | None = None

    def read(self, size: int) -> bytes | None:
        if not self._left:
            return b""
        self._say_continue()
        try:
            piece = self._read_now(min(size, self._left))
        except OSError as error:
            raise BodyCut("The connection broke. Ask for the offset, go on there.") from error
        self._left -= len(piece or b"")
        self._require_progress(len(piece or b""))
        if not self._left:
            self._input.failed = False  # gunicorn would close the connection because some reads had to wait
        return piece

    def __enter__(self) -> Self:
        if self._socket:
            self._timeout = self._socket.gettimeout()
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket:
            self._socket.settimeout(self._timeout)

    def _read_now(self, wanted: int) -> bytes | None:
        """What is there, up to `wanted` bytes; None when a second passed without any.

        The server's buffer does not tell how much it holds, so less and less is asked for.
        """
        if self._socket is None:
            return bytes(self._input.read(wanted))
        self._socket.settimeout(0)
        asked = wanted
        while asked:
            try:
                return bytes(self._input.read(asked))
            except _NOT_YET:
                asked //= 4
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        waiting.poll(_WAKE_UP)
        return None

    def _require_progress(self, came: int) -> None:
        self._window_bytes += came
        now = time.monotonic()
        if now - self._window_began < self._idle_seconds:
            return
        if self._window_bytes < _LEAST_BYTES and self._left:
            raise BodyCut(f"Nothing came for {self._idle_seconds:.0f} seconds. Ask for the offset, go on there.")
        self._window_began, self._window_bytes = now, 0

    def _say_continue(self) -> None:
        if self._continue_is_due and self._socket:
            self._continue_is_due = False
            self._socket.settimeout(self._timeout)
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def hold_continue(_worker: object, request: Any) -> None:
    """gunicorn's `pre_request` hook: let `WsgiBody` say "100 Continue", so that refusals come before the body.

    Source: RFC 9110 section 10.1.1. gunicorn itself would say it before the application has seen the request.
    """
    request.headers = [(name, value) for name, value in request.headers if name != _HELD]
    if request._expected_100_continue and request.path.startswith("/tus/"):
        request._expected_100_continue = False
        request.headers.append((_HELD, "held"))
