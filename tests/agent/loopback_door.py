"""One connection to the loopback portal, and the faults that can be planted in it."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

CUT = 64 * 1024
Answer = tuple[int, Any, dict[str, str]]


class Refusal(Exception):
    def __init__(self, status: int, code: str, message: str = "No.", **detail: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail


class Cut(Exception):
    """The connection is to be reset without an answer."""


@dataclass
class Fault:
    """What goes wrong for the next `times` requests of `method` whose path begins with `prefix`.

    `after`: only once so many body bytes were taken. `status`: that answer instead of the work. `lose`: the work is
    done, but its answer is lost. Neither: the connection is reset. `meanwhile` is called before.
    """

    method: str
    prefix: str = "/"
    times: int = 1
    after: int | None = None
    status: int | None = None
    code: str = "planted"
    headers: dict[str, str] = field(default_factory=dict)
    lose: bool = False
    meanwhile: Callable[[], object] = lambda: None

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and path.startswith(self.prefix)


class Portal(Protocol):
    faults: list[Fault]
    requests: list[tuple[str, str]]
    lock: Any

    def answer(self, door: Door, method: str, path: str) -> Answer: ...


class Door(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    portal: Portal

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name is theirs
        return

    def _serve(self) -> None:
        self.portal.requests.append((self.command, self.path))
        self._left = int(self.headers.get("Content-Length", "0"))
        self._taken = 0
        self._fault = self._planted()
        try:
            self._answer(*self._respond())
        except Cut:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        except OSError:
            self.close_connection = True

    do_OPTIONS = do_GET = do_POST = do_HEAD = do_PATCH = do_DELETE = _serve  # noqa: N815 the names are theirs

    def _planted(self) -> Fault | None:
        with self.portal.lock:
            for fault in self.portal.faults:
                if fault.matches(self.command, self.path):
                    fault.times -= 1
                    return fault
        return None

    def _respond(self) -> Answer:
        fault = self._fault
        try:
            if fault and fault.after is None and not fault.lose:
                self._strike(fault)
            self.json_body = json.loads(self.rfile.read(self._left)) if self._is_json() else {}
            answer = self.portal.answer(self, self.command, self.path)
        except Refusal as refusal:
            document = {"code": refusal.code, "message": refusal.message, "detail": refusal.detail}
            return refusal.status, document, self._fault.headers if self._fault else {}
        if fault and fault.lose:
            raise Cut
        return answer

    def _is_json(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("application/json")

    def _strike(self, fault: Fault) -> None:
        fault.meanwhile()
        if fault.status is None:
            raise Cut
        raise Refusal(fault.status, fault.code, f"Planted {fault.status}.")

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives. A cut body ends early."""
        while self._left:
            fault = self._fault
            if fault and fault.after is not None and self._taken >= fault.after:
                self._strike(fault)
            try:
                piece = self.rfile.read1(min(self._left, CUT))
            except OSError:
                piece = b""
            if not piece:
                raise Cut
            self._left -= len(piece)
            self._taken += len(piece)
            yield piece

    def _answer(self, status: int, document: Any, headers: dict[str, str]) -> None:
        body = b"" if document is None or self.command == "HEAD" else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self._left and not self._is_json():
            self.send_header("Connection", "close")
            self.close_connection = True
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)
        if self.close_connection:
            self._hear_out()

    def _hear_out(self) -> None:
        """Takes what is still being sent: a line that is closed before takes the answer away from who sends."""
        while self._left and (piece := self.rfile.read1(min(self._left, CUT))):
            self._left -= len(piece)
