"""The mailbox to which undeliverable mail comes back: as much of IMAP4rev1 (RFC 3501) as the portal speaks.

What it holds stands in a file, so that it can be set back with the rest of the world.
"""

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAILBOX = "mailbox"


def put_in_mailbox(folder: Path, *mails: str) -> None:
    """Instead of what is there; nobody has seen them."""
    (folder / MAILBOX).write_text(json.dumps([{"mail": mail.replace("\n", "\r\n"), "flags": ""} for mail in mails]))


def flags_in(folder: Path) -> list[str]:
    """Of each mail what it was marked with."""
    return [mail["flags"] for mail in _mails(folder)]


@contextmanager
def mailbox(folder: Path) -> Iterator[str]:
    """Its address, until the block ends."""

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, _, command = line.decode().strip().partition(" ")
                for told in _answer(folder, command):
                    self.wfile.write(told)
                self.wfile.write(f"{tag} OK done\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"imap://returns:x@127.0.0.1:{server.server_address[1]}/INBOX"
        server.shutdown()


def _answer(folder: Path, command: str) -> Iterator[bytes]:
    """What is said before the OK. Numbers and unique numbers are the same."""
    mails = _mails(folder)
    if command == "CAPABILITY":
        yield b"* CAPABILITY IMAP4REV1\r\n"
    elif command.startswith("SELECT"):
        yield f"* {len(mails)} EXISTS\r\n".encode()
    elif command == "UID SEARCH UNSEEN":
        unseen = [str(number) for number, mail in enumerate(mails, 1) if "Seen" not in mail["flags"]]
        yield " ".join(["* SEARCH", *unseen]).encode() + b"\r\n"
    elif fetched := re.match(r"UID FETCH (\d+) ", command):
        mail = mails[int(fetched[1]) - 1]["mail"].encode()
        yield f"* {fetched[1]} FETCH (UID {fetched[1]} BODY[]<0> {{{len(mail)}}}\r\n".encode() + mail + b")\r\n"
    elif marked := re.match(r"UID STORE (\d+) \+FLAGS.SILENT \((.+)\)", command):
        mails[int(marked[1]) - 1]["flags"] = marked[2]
        (folder / MAILBOX).write_text(json.dumps(mails))


def _mails(folder: Path) -> list[dict[str, str]]:
    mails: list[dict[str, str]] = json.loads((folder / MAILBOX).read_text())
    return mails
