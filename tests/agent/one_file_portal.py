"""A portal with one file and one link, that answers for it as it is told to."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LINK = "lcs_link"
SHARED = f"/api/v1/shared/{LINK}"
RULES = {"max_bytes": 1 << 28, "max_files": 1000, "threshold": 1 << 16}
RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")
PIECE = 16 * 1024


@dataclass
class Asked:
    """One request for bytes of the file from `start` up to `stop`; `is_part`: as a range; `line`: the client's port."""

    number: int
    start: int
    stop: int
    is_part: bool
    at: float
    line: int


@dataclass
class Said:
    """How it is answered: another status than 200 or 206; or the whole for a part; or cut after so many bytes."""

    status: int | None = None
    retry_after: int = 0
    whole: bool = False
    cut_after: int | None = None
    damaged: bool = False


class OneFilePortal:
    """Used as a context manager. `asked` are the requests for the file; `says` answers them otherwise than as usual."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[Asked] = []
        self.says: Callable[[Asked], Said] = lambda _: Said()
        self.most_at_once = 0
        self._at_once = 0
        self.lock = threading.Lock()

        class FileDoor(_Door):
            portal = self

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), FileDoor)
        self._server.daemon_threads = True
        self.link = f"http://127.0.0.1:{self._server.server_address[1]}/s/{LINK}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def ask(self, text: str | None, line: int) -> Asked:
        found = RANGE.fullmatch(text or "")
        start = int(found[1]) if found else 0
        stop = int(found[2]) + 1 if found and found[2] else len(self.content)
        with self.lock:
            asked = Asked(len(self.asked), start, stop, found is not None, time.monotonic(), line)
            self.asked.append(asked)
        return asked

    def serve(self, one_more: int) -> None:
        with self.lock:
            self._at_once += one_more
            self.most_at_once = max(self.most_at_once, self._at_once)

    def document(self, path: str) -> dict[str, Any]:
        if path.startswith(f"{SHARED}/files"):
            file = {
                "path": "stack.mrc",
                "size": len(self.content),
                "mtime_ns": None,
                "sha256": self.etag,
                "address": "/f",
            }
            return {"files": [file], "next": None}
        return {
            "name": "session",
            "title": "Session",
            "state": "released",
            "files": 1,
            "bytes": len(self.content),
            "manifest_name": "manifest-sha256.txt",
            "bundles": RULES,
        }


class _Door(BaseHTTPRequestHandler):
    portal: OneFilePortal
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/f":
            self.portal.serve(+1)
            try:
                self._send_file(self.portal.ask(self.headers.get("Range"), self.client_address[1]))
            finally:
                self.portal.serve(-1)
        else:
            self._send_json(200, self.portal.document(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._send_json(200, {"verified": 1})

    def _send_file(self, asked: Asked) -> None:
        said = self.portal.says(asked)
        if said.status:
            self._send_json(said.status, {"message": "Not now."}, {"Retry-After": str(said.retry_after)})
            return
        content, etag = self.portal.content, f'"{self.portal.etag}"'
        is_part = asked.is_part and not said.whole and self.headers.get("If-Range", etag) == etag
        start, stop = (asked.start, asked.stop) if is_part else (0, len(content))
        body = content[start:stop]
        if said.damaged:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(206 if is_part else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        if is_part:
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.end_headers()
        self.wfile.write(body[: said.cut_after])
        self.close_connection = said.cut_after is not None

    def _send_json(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        """Nobody reads it."""
