"""A real SMTP server on the loopback whose manners depend on the address it is given."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import EmailMessage as Mail
from pytest_django.fixtures import Settings

from checks.ports import free_port
from portal.smtp import StagedEmailBackend

PATIENCE = 0.4  # seconds the portal waits where no answer will come; three times that for the one to a text
ENOUGH = 30  # seconds it waits for one that comes, however busy the machine
NEVER = 300  # seconds; who waits has hung up by then, which ends it
MUTE = {"hang": PATIENCE, "silent": ENOUGH}  # what is borne until the text is there


@dataclass
class MailServer:
    """``taken`` holds what it was given whole, whether or not it said so, by recipient. ``reads_ahead``: it offers
    PIPELINING. ``carries``: how many mails over one connection, 0 as many as one likes; ``hangs_up``: then it goes
    without a word."""

    port: int
    reads_ahead: bool = False
    carries: int = 0
    hangs_up: bool = False
    taken: dict[str, list[EmailMessage]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    connections: int = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answer: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return [*answer[:-1], "250-PIPELINING", answer[-1]] if self.reads_ahead else answer

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun[str(session.peer)] += 1
        if self.carries and self.begun[str(session.peer)] > self.carries:
            if self.hangs_up:
                _hang_up(server)
            return "421 4.7.0 Enough for one connection"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        manner = _manner(address)
        self.asked[address] += 1
        if manner == "greylist" and self.asked[address] == 1:
            return "451 4.7.1 Greylisted, come again"
        if manner == "nobody":
            return "550 5.1.1 No such user here"
        if manner == "hang":
            await asyncio.sleep(NEVER)
        if manner == "cut":
            _hang_up(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        manner = _manner(address)
        if manner == "spam":
            return "554 5.7.1 This looks like spam"
        if manner == "full":
            return "452 4.2.2 Mailbox full"
        letter = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.taken.setdefault(address, []).append(letter)
        if manner == "silent":
            await asyncio.sleep(NEVER)
        if manner == "gone":
            _hang_up(server)
        return "250 OK"

    @property
    def letters(self) -> int:
        return sum(map(len, self.taken.values()))


def _manner(address: str) -> str:
    """``gone-3@…`` is given to a server that hangs up after the text."""
    return address.partition("@")[0].partition("-")[0]


def _hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


@contextmanager
def mail_server(settings: Settings) -> Iterator[MailServer]:
    """Runs it at a free port, with the portal sending there."""
    server = MailServer(free_port())
    send_to(settings, server.port)
    controller = Controller(server, hostname="127.0.0.1", port=server.port, ready_timeout=60)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def send_to(settings: Settings, port: int) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.ImpatientWithTheMute"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, ENOUGH
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_SSL = settings.EMAIL_USE_TLS = False


class ImpatientWithTheMute(StagedEmailBackend):
    """The portal's own. Only where it is known that no answer will come, it need not wait for long."""

    def deliver(self, message: Mail, before_body: Callable[[], None]) -> None:
        (address,) = message.recipients()
        if (borne := MUTE.get(_manner(address))) is None:
            super().deliver(message, before_body)
            return
        if line := self.connect().sock:
            line.settimeout(borne)
        self.timeout = PATIENCE
        try:
            super().deliver(message, before_body)
        finally:
            self.timeout = ENOUGH
