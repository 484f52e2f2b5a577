"""The world outside of the portal: a mail server and a program that is told of files. It forgets nothing.

Both write a line for each thing they were given, in the moment in which they have it for good: whoever reads the file
knows what arrived though the portal may not.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from checks.ports import free_port

MAILS, CALLS = "mails", "calls"


@dataclass
class Outside:
    """`folder` has a file of what came by mail, and one of the calls."""

    folder: Path
    mail_port: int
    hook_port: int
    mail_server: Controller | None = None

    def take_mail(self) -> None:
        server = _MailServer(self.folder / MAILS)
        self.mail_server = Controller(server, hostname="127.0.0.1", port=self.mail_port, ready_timeout=60)
        self.mail_server.start()

    def refuse_mail(self) -> None:
        """Nobody listens there until `take_mail`."""
        if self.mail_server:
            self.mail_server.stop()
        self.mail_server = None

    def settings(self) -> dict[str, object]:
        """Of a portal that may speak to it."""
        return {"email_url": f"smtp://127.0.0.1:{self.mail_port}", "hook_hosts": "127.0.0.1"}


@contextmanager
def outside(folder: Path) -> Iterator[Outside]:
    """Both run at free ports until the block ends."""
    folder.mkdir()
    world = Outside(folder, free_port(), free_port())
    hook = ThreadingHTTPServer(("127.0.0.1", world.hook_port), _receiving(folder / CALLS))
    world.take_mail()
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        yield world
    finally:
        world.refuse_mail()
        hook.shutdown()
        hook.server_close()


def mails_in(folder: Path) -> list[tuple[str, str]]:
    """Message-ID and address of each, in the order in which they came."""
    return [(mail["id"], mail["to"]) for mail in _lines(folder / MAILS)]


def calls_in(folder: Path) -> list[dict[str, str]]:
    return _lines(folder / CALLS)


def _lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _write(file: Path, line: dict[str, str]) -> None:
    with file.open("a") as out:
        out.write(json.dumps(line) + "\n")


class _MailServer:
    def __init__(self, file: Path) -> None:
        self._file = file

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        letter = message_from_bytes(envelope.original_content or b"")
        (address,) = envelope.rcpt_tos
        await asyncio.to_thread(_write, self._file, {"id": str(letter["Message-ID"]), "to": address})
        return "250 OK"


def _receiving(file: Path) -> type[BaseHTTPRequestHandler]:
    class Receiving(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            _write(file, {"id": self.headers["webhook-id"], "body": body})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Receiving
