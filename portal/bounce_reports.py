"""What a mail server's report of an undeliverable mail says (RFC 3464, also its form for other alphabets, RFC 6533).

Servers write the plain text as they like; what counts is the part made for programs, and the Message-ID of our mail in
the headers that come back with it. Everything else, such as an absence note, is no report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED_PARTS = {"message/rfc822", "message/rfc822-headers", "message/global", "message/global-headers"}
RETURNED_TEXT_PARTS = {"text/rfc822-headers"}
MESSAGE_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class BounceReport:
    """``message_ids`` of the mail that came back, the likeliest first. ``failed``: given up; otherwise only delayed.

    ``status`` is a code such as 5.1.1 (RFC 3463) or empty, ``reason`` one line of the server's words.
    """

    message_ids: tuple[str, ...]
    failed: bool
    status: str
    reason: str


def parse_report(data: bytes) -> BounceReport | None:
    """The report in a mail, which may be cut off behind its first parts; None when it is none.

    A server that has given up says ``failed``, whether the last refusal was a 5xx or the time ran out.
    """
    try:
        return _report_in(message_from_bytes(data))
    except RecursionError:  # parts within parts by the thousand: no mail server wrote that
        return None


def one_line(text: str) -> str:
    """Without line ends and what cannot be printed, such as NUL, which no database column takes."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _report_in(mail: Message) -> BounceReport | None:
    blocks = [block for part in mail.walk() if _type(part) in STATUS_PARTS for block in _blocks(part)]
    told = [block for block in blocks if _action(block) in ("failed", "delayed")]
    if not told:
        return None
    worst = next((block for block in told if _action(block) == "failed"), told[0])
    status = _field(worst, "Status").partition(" ")[0]
    return BounceReport(tuple(_message_ids(mail)), _action(worst) == "failed", status, _reason(worst, status))


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields: one about the report, then one for each recipient."""
    for inner in _inside(part):
        yield inner
        rest = inner.get_payload(decode=True)  # of a part whose kind the library does not know: the other groups
        groups = re.split(rb"\r?\n\s*\r?\n", rest) if isinstance(rest, bytes) else []
        yield from (message_from_bytes(group) for group in groups if group.strip())


def _message_ids(mail: Message) -> Iterator[str]:
    """Of the returned mail; the report's own references last, for servers that return nothing."""
    for part in mail.walk():
        if _type(part) in RETURNED_PARTS:
            for returned in _inside(part):
                yield from MESSAGE_ID.findall(_field(returned, "Message-ID"))
        elif _type(part) in RETURNED_TEXT_PARTS:
            text = part.get_payload(decode=True)
            headers = message_from_bytes(text if isinstance(text, bytes) else b"")
            yield from MESSAGE_ID.findall(_field(headers, "Message-ID"))
    for name in ("In-Reply-To", "References"):
        yield from MESSAGE_ID.findall(_field(mail, name))


def _inside(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _reason(block: Message, status: str) -> str:
    words = _value(block, "Diagnostic-Code") or "no reason was given"
    said = words if status in words else f"{status} {words}".strip()
    recipient = _value(block, "Original-Recipient") or _value(block, "Final-Recipient")
    return f"{said} ({recipient})" if recipient and recipient not in said else said


def _action(block: Message) -> str:
    return _field(block, "Action").partition(" ")[0].lower()


def _value(block: Message, name: str) -> str:
    """Without the kind before the semicolon: ``rfc822; rita@x.example``, ``smtp; 550 no such user``."""
    kind, semicolon, value = _field(block, name).partition(";")
    return value.strip() if semicolon else kind


def _field(block: Message, name: str) -> str:
    """On one line; empty when there is none. UTF-8 stands in such fields as it is (RFC 6533)."""
    found = next((value for key, value in block.raw_items() if key.lower() == name.lower()), "")
    return one_line(str(found).encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _type(part: Message) -> str:
    return part.get_content_type()
