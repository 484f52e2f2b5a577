"""A wire between agent and portal that is cut at chosen bytes, and that remembers every request that passed."""

import enum
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 64 * 1024
_OFFSET = re.compile(rb"upload-offset: *(\d+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Kind(enum.Enum):
    RESET = "reset"  # both sides get a RST, what is in flight is gone
    SILENT = "silent drop"  # neither side hears anything any more
    HALF_OPEN = "half-open"  # the agent's side is reset, the portal's stays open and silent


@dataclass(frozen=True)
class Cut:
    """`at`: the line is cut when so many bytes of bodies have passed, those of all uploads together."""

    kind: Kind
    at: int


@dataclass
class Passed:
    """One request to tus: `passed` bytes of its body went through; `acknowledged` is the offset of its answer."""

    method: str
    path: str
    offset: int
    began_at: float = field(default_factory=time.monotonic)
    passed: int = 0
    cut: Cut | None = None
    status: int = 0
    answered_at: float = 0.0
    acknowledged: int | None = None


@dataclass
class CuttingProxy:
    """Listens on loopback from `running` on; cuts each connection that carries the byte at which a cut stands."""

    upstream: int = 0
    cuts: list[Cut] = field(default_factory=list)  # those to come, in order
    requests: list[Passed] = field(default_factory=list)
    passed: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _forgotten: list[socket.socket] = field(default_factory=list)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def running(self) -> Iterator[None]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for line in self._forgotten:
                line.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream))
        except OSError:
            client.close()
            return
        line = _Line(self, client, server)
        with suppress(OSError):
            while line.carry_on():
                pass
        if line.request.cut is None:
            client.close()
            server.close()
        else:
            self._sever(line.request.cut.kind, client, server)

    def _sever(self, kind: Kind, client: socket.socket, server: socket.socket) -> None:
        if kind is Kind.SILENT:
            self._forgotten += [client, server]
            return
        _reset(client)
        if kind is Kind.RESET:
            _reset(server)
        else:
            self._forgotten.append(server)

    def begin(self, head: bytes) -> Passed:
        method, path, _ = head.split(b" ", 2)
        offset = _OFFSET.search(head)
        request = Passed(method.decode(), path.decode(), int(offset[1]) if offset else 0)
        if request.path.startswith("/tus/"):
            self.requests.append(request)
        return request

    def count(self, request: Passed, piece: bytes) -> bytes:
        """As much of the piece as passes before the next cut, which is noted in the request."""
        if not request.path.startswith("/tus/"):
            return piece
        with self._counting:
            if self.cuts and self.cuts[0].at <= self.passed + len(piece):
                request.cut = self.cuts.pop(0)
                piece = piece[: max(request.cut.at - self.passed, 0)]
            self.passed += len(piece)
            request.passed += len(piece)
        return piece


class _Line:
    """One connection: requests are understood as far as their head and length, answers as far as status and offset."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self.request = Passed("", "", 0)
        self._proxy = proxy
        self._client = client
        self._server = server
        self._head = b""
        self._body_left = 0

    def carry_on(self) -> bool:
        """One piece in whichever direction it comes. Returns whether the line goes on."""
        ready, _, _ = select.select([self._client, self._server], [], [])
        if self._server in ready:
            answer = self._server.recv(PIECE)
            self._note(answer)
            self._client.sendall(answer)
            return bool(answer)
        piece = self._client.recv(PIECE)
        return bool(piece) and self._forward(piece)

    def _forward(self, piece: bytes) -> bool:
        if not self._body_left:
            self._head += piece
            head, ended, piece = self._head.partition(b"\r\n\r\n")
            if not ended:
                return True
            self._head = b""
            self.request = self._proxy.begin(head)
            length = _LENGTH.search(head)
            self._body_left = int(length[1]) if length else 0
            self._server.sendall(head + ended)
        allowed = self._proxy.count(self.request, piece)
        self._body_left -= len(allowed)
        self._server.sendall(allowed)
        return self.request.cut is None

    def _note(self, answer: bytes) -> None:
        if not answer.startswith(b"HTTP/1.1 "):
            return
        offset = _OFFSET.search(answer.partition(b"\r\n\r\n")[0])
        self.request.status, self.request.answered_at = int(answer[9:12]), time.monotonic()
        self.request.acknowledged = int(offset[1]) if offset else None


def _reset(line: socket.socket) -> None:
    with closing(line):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def sent_again(requests: Sequence[Passed]) -> list[int]:
    """Bytes that went a second time, for each cut PATCH. What was acknowledged never does."""
    reached: dict[str, int] = {}
    acknowledged: dict[str, int] = {}
    again = []
    for request in requests:
        if request.method == "PATCH":
            assert request.offset >= acknowledged.get(request.path, 0), "acknowledged bytes are sent again"
            before = reached.get(request.path, 0)
            if before:
                again.append(max(before - request.offset, 0))
            reached[request.path] = max(before, request.offset + request.passed)
        if request.acknowledged is not None:
            acknowledged[request.path] = max(acknowledged.get(request.path, 0), request.acknowledged)
    return again
