"""SMTP in stages: a mail that failed says whether the server can have it, so that none is sent twice.

MailTrouble
├── Unreachable   no conversation is possible: nothing was sent, no other mail will be either
├── Postponed     not taken this time, or the line was cut before the text went: try again later
├── Refused       never will be taken (5xx)
└── Unknown       the text went, the answer did not come: the mail may have been delivered

Stages and answers: RFC 5321, sections 3.3 and 4.2.
"""

import contextlib
import secrets
import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, Self

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import sanitize_address

Answer = tuple[int, bytes]  # code and words

SHUTTING_DOWN = 421
BODY_PATIENCE = 3  # times the usual timeout: servers look through the text before they answer


class MailTrouble(Exception):
    """A mail that was not, or not certainly, accepted; the message is a sentence for staff."""


class Unreachable(MailTrouble):
    pass


class Postponed(MailTrouble):
    pass


class Refused(MailTrouble):
    pass


class Unknown(MailTrouble):
    pass


class StagedEmailBackend(EmailBackend):
    """Django's backend with one more way to send: :meth:`deliver`, over one connection for many mails."""

    connection: smtplib.SMTP | None
    _partial_connection: smtplib.SMTP | None

    def connect(self) -> smtplib.SMTP:
        """The connection, opened unless it is open. Raises Unreachable."""
        try:
            self.open()
        except OSError as error:  # smtplib's errors are OSErrors too: no log-in, no TLS, no greeting
            self.drop()
            raise Unreachable(f"The mail server {self.host}:{self.port} cannot be reached: {words(error)}") from error
        if self.connection is None:  # `fail_silently` hid why
            raise Unreachable(f"The mail server {self.host}:{self.port} cannot be reached.")
        return self.connection

    def drop(self) -> None:
        """Closes the connection without a word, as the other side may not listen."""
        for connection in (self.connection, self._partial_connection):
            if connection:
                connection.close()
        self.connection = self._partial_connection = None

    def close(self) -> None:
        try:
            super().close()
        except OSError:  # what was sent is sent, whether or not the server hears the farewell
            self.drop()

    def deliver(self, message: EmailMessage, before_body: Callable[[], None]) -> None:
        """Sends ``message``, which has one recipient; returns once the server has accepted it.

        ``before_body`` is called when the server has accepted the address and is about to be given the text; what it
        raises stops the mail. Raises MailTrouble; after Unreachable no other mail can be sent now.
        """
        body = _for_the_line(_bytes_of(message))
        try:
            smtp = self._introduce(_Envelope.of(message, len(body)))
            before_body()
            _expect(smtp.docmd("DATA"), 354, "did not want the text")
        except smtplib.SMTPException as error:  # no answer, or none that can be read
            self.drop()
            raise Postponed(f"The mail server hung up before it was given the text: {words(error)}") from error
        except BaseException:
            self._reset()
            raise
        self._hand_over(smtp, body)

    def _introduce(self, envelope: "_Envelope") -> smtplib.SMTP:
        """Names sender and recipient; the connection on which the server accepted both. A refused sender is only a
        delay: it is the portal's own, for staff to mend."""
        smtp, (code, reply) = self._name_sender(envelope)
        together = smtp.has_extn("pipelining")
        if code != 250:
            if together:  # nobody may take the answer to RCPT, which is still to come, for one to something else
                self.drop()
            raise Postponed(f"The mail server refused the portal's own address as sender: {_reply(code, reply)}")
        code, reply = smtp.getreply() if together else smtp.docmd(envelope.rcpt())
        _expect((250 if code == 251 else code, reply), 250, "did not accept the address")  # 251: will forward
        return smtp

    def _name_sender(self, envelope: "_Envelope") -> tuple[smtplib.SMTP, Answer]:
        """The connection, and the answer to MAIL. One that the server closed meanwhile is replaced, which is no try:
        servers close those that were idle or carried many mails."""
        if used := self.connection:
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                answer = envelope.open_on(used)
                if answer[0] != SHUTTING_DOWN:
                    return used, answer
            self.drop()
        smtp = self.connect()
        return smtp, envelope.open_on(smtp)

    def _hand_over(self, smtp: smtplib.SMTP, body: bytes) -> None:
        """The text and the answer to it. From here on a silence leaves it open whether the mail was accepted."""
        try:
            if smtp.sock and self.timeout:
                smtp.sock.settimeout(self.timeout * BODY_PATIENCE)
            smtp.send(body)
            code, reply = smtp.getreply()
            if smtp.sock and self.timeout:
                smtp.sock.settimeout(self.timeout)
        except OSError as error:
            self.drop()
            raise Unknown(f"The mail server was given the text but did not answer: {words(error)}") from error
        if 200 <= code < 300:
            return
        self._reset()
        if not 400 <= code < 600:
            raise Unknown(f"The mail server gave an answer that means nothing: {_reply(code, reply)}")
        _refuse(code, reply, "did not accept the text")

    def _reset(self) -> None:
        """Leaves the mail begun, so that the next can follow."""
        if self.connection and not _answers(self.connection):
            self.drop()


@dataclass(frozen=True, slots=True)
class _Envelope:
    """From whom, to whom and how many bytes; addresses as SMTP has them."""

    sender: str
    recipient: str
    size: int

    @classmethod
    def of(cls, message: EmailMessage, size: int) -> Self:
        encoding = message.encoding or settings.DEFAULT_CHARSET
        (recipient,) = message.recipients()
        return cls(sanitize_address(message.from_email, encoding), sanitize_address(recipient, encoding), size)

    def open_on(self, smtp: smtplib.SMTP) -> Answer:
        """The answer to MAIL. To a server that reads ahead (RFC 2920) RCPT went with it; its answer comes next."""
        smtp.ehlo_or_helo_if_needed()
        options = [f"size={self.size}"] if smtp.has_extn("size") else []
        options += ["body=8bitmime"] if smtp.has_extn("8bitmime") else []
        mail = " ".join([f"mail FROM:{smtplib.quoteaddr(self.sender)}", *options])
        if not smtp.has_extn("pipelining"):
            return smtp.docmd(mail)
        smtp.send(f"{mail}\r\n{self.rcpt()}\r\n")
        return smtp.getreply()

    def rcpt(self) -> str:
        return f"rcpt TO:{smtplib.quoteaddr(self.recipient)}"


def words(error: BaseException) -> str:
    """What an exception says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _answers(smtp: smtplib.SMTP) -> bool:
    """Takes back the mail that was begun; False when the server is gone."""
    with contextlib.suppress(smtplib.SMTPException):
        return smtp.rset()[0] == 250
    return False


def _expect(answer: Answer, wanted: int, what: str) -> None:
    code, reply = answer
    if code != wanted:
        _refuse(code, reply, what)


def _refuse(code: int, reply: bytes, what: str) -> NoReturn:
    trouble = Refused if 500 <= code < 600 else Postponed
    raise trouble(f"The mail server {what}: {_reply(code, reply)}")


def _reply(code: int, reply: bytes) -> str:
    return f"{code} {' '.join(reply.decode('utf-8', 'replace').split())}"


def _bytes_of(message: EmailMessage) -> bytes:
    """With a boundary nobody can have foreseen; Python would look for one through the whole text."""
    mime = message.message()
    if mime.is_multipart():
        mime.set_boundary(secrets.token_hex(16))
    return mime.as_bytes()


def _for_the_line(text: bytes) -> bytes:
    """The text as it is sent: CRLF, leading dots doubled, closed by a dot alone (RFC 5321, 2.3.8 and 4.5.2)."""
    text = text.rstrip(b"\r\n").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:] + b"\r\n.\r\n"
