"""A real IMAP server on the loopback, with one mailbox in memory."""

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import trustme

from checks.ports import free_port

USER, PASSWORD = "returns", "a secret/with:signs@"


@dataclass(frozen=True)
class MailboxServer:
    port: int
    authority: Path  # whose certificate it shows to who wants TLS

    @property
    def url(self) -> str:
        return f"imap://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/INBOX"

    def empty(self) -> None:
        with self.connected() as box:
            box.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
            box.expunge()

    def receive(self, *mails: str) -> None:
        with self.connected() as box:
            for mail in mails:
                box.append("INBOX", "", "", mail.replace("\n", "\r\n").encode())

    def flags(self) -> list[set[str]]:
        """Of each message, oldest first."""
        with self.connected() as box:
            lines = [line for line in box.uid("FETCH", "1:*", "(FLAGS)")[1] if isinstance(line, bytes)]
        return [{flag.decode() for flag in imaplib.ParseFlags(line)} - {r"\Recent"} for line in lines]

    @contextmanager
    def connected(self) -> Iterator[imaplib.IMAP4]:
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        box.login(USER, PASSWORD)
        box.select("INBOX")
        yield box
        box.logout()


@contextmanager
def mailbox_server(folder: Path) -> Iterator[MailboxServer]:
    server = MailboxServer(free_port(), folder / "authority.pem")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(server.authority))
    identity = str(folder / "server.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(identity)
    pymap = str(Path(sys.executable).with_name("pymap"))
    program = [pymap, "--host", "127.0.0.1", "--port", str(server.port), "--cert", identity, "--key", identity]
    mailbox = ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    running = subprocess.Popen([*program, *mailbox], stderr=subprocess.DEVNULL)
    try:
        _wait_for(server, running)
        yield server
    finally:
        running.kill()
        running.wait()


def _wait_for(server: MailboxServer, running: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with server.connected():
                return
        except OSError:
            assert running.poll() is None, "the mailbox server ended at once"
            assert time.monotonic() < end, "the mailbox server did not answer in a minute"
            time.sleep(0.05)
