"""Reads the mailbox to which undeliverable mail comes back (IMAP4rev1, RFC 3501).

What was read is marked as seen, so no state of ours is needed; what is no report is flagged besides, for a person to
look at. Nothing is deleted. A message counts as read only once its report is stored: a reader that dies, or two that
read at once, do no harm.
"""

import imaplib
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import structlog
from django.conf import settings

from portal.bounce_reports import parse_report
from portal.logs import redact
from portal.models import ReturnMailbox
from portal.services.bounces import Noted, note_report

log = structlog.get_logger(__name__)

PATIENCE = 30  # seconds for each answer
MOST = 500  # messages a round; the next round takes the others
FIRST_BYTES = 256 * 1024  # a report stands before the mail that it returns


@dataclass(frozen=True, slots=True)
class Mailbox:
    """``imaps://user:password@host:993/folder``, or ``imap://…`` with ``?tls=1`` for STARTTLS."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    tls: str

    @classmethod
    def at(cls, url: str) -> "Mailbox":
        parts = urlsplit(url)
        secure = parts.scheme == "imaps"
        later = "later" if parse_qs(parts.query).get("tls") == ["1"] else ""
        return cls(
            parts.hostname or "localhost",
            parts.port or (993 if secure else 143),
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            unquote(parts.path.strip("/")) or "INBOX",
            "at once" if secure else later,
        )

    def __str__(self) -> str:
        return f"{self.user} at {self.host}:{self.port}, {self.folder}"


def read_returned_mail(*, url: str, now: datetime) -> Counter[str]:
    """How many messages were what: ``noted``, ``unknown``, ``early`` (left for the next round), ``other``.

    A mailbox that cannot be read is logged and shown to staff with the reason.
    """
    mailbox = Mailbox.at(url)
    found: Counter[str] = Counter()
    try:
        with _opened(mailbox) as box:
            for uid in _unseen(box):
                found[_take(box, uid, now)] += 1
    except (OSError, imaplib.IMAP4.error) as error:
        trouble = redact(" ".join(str(error).split()) or type(error).__name__)[:500]
        log.warning("return_mailbox_unreadable", mailbox=str(mailbox), trouble=trouble)
        ReturnMailbox.objects.update_or_create(address=str(mailbox), defaults={"trouble": trouble})
        return found
    ReturnMailbox.objects.update_or_create(address=str(mailbox), defaults={"trouble": "", "read_at": now})
    return found


def mailbox_in_trouble() -> ReturnMailbox | None:
    """The mailbox of the settings if it could not be read the last time."""
    if not settings.BOUNCE_MAILBOX:
        return None
    address = str(Mailbox.at(settings.BOUNCE_MAILBOX))
    return ReturnMailbox.objects.filter(address=address).exclude(trouble="").first()


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    secure = ssl.create_default_context()
    box: imaplib.IMAP4
    if mailbox.tls == "at once":
        box = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=secure, timeout=PATIENCE)
    else:
        box = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=PATIENCE)
    try:
        if mailbox.tls == "later":
            box.starttls(secure)
        box.login(mailbox.user, mailbox.password)
        folder = mailbox.folder.replace("\\", "\\\\").replace('"', '\\"')
        _done(box.select(f'"{folder}"'))
        yield box
    finally:
        with suppress(OSError, imaplib.IMAP4.error):  # what was read is read, whether or not it hears the farewell
            box.logout()


def _unseen(box: imaplib.IMAP4) -> list[str]:
    """Unique numbers, oldest first, at most a round of them."""
    (numbers,) = _done(box.uid("SEARCH", "UNSEEN"))
    return (numbers or b"").decode().split()[:MOST]


def _take(box: imaplib.IMAP4, uid: str, now: datetime) -> str:
    """Reads one message and marks it, unless its mail is being sent at this moment."""
    answer = _done(box.uid("FETCH", uid, f"(BODY.PEEK[]<0.{FIRST_BYTES}>)"))
    data = next((part[1] for part in answer if isinstance(part, tuple)), b"")
    report = parse_report(data)
    outcome = note_report(report=report, now=now).value if report else "other"
    if outcome != Noted.EARLY.value:
        _done(box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)" if report else r"(\Seen \Flagged)"))
    return outcome


def _done(answer: tuple[str, list[Any]]) -> list[Any]:
    """What a command gave. Raises imaplib's error for one that the server refused."""
    kind, lines = answer
    if kind != "OK":
        said = b" ".join(line for line in lines if isinstance(line, bytes)).decode("utf-8", "replace")
        raise imaplib.IMAP4.error(f"the mailbox answered {kind}: {said}")
    return lines
