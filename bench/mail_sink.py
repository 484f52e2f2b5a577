"""``python -m bench.mail_sink``: a mail server that takes every mail and keeps none; prints its port, ends when its
standard input does.

It answers to each command as RFC 5321 wants it, also when several come together (RFC 2920), and costs a tenth of what
the senders cost, so that a bench measures those.
"""

import asyncio
import sys
from typing import cast

GREETING = b"220 mail sink\r\n"
OFFERS = b"250-mail sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 33554432\r\n"
END = b"\r\n.\r\n"
ANSWERS = {
    b"EHLO": OFFERS,
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 Farewell\r\n",
    **dict.fromkeys([b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"], b"250 OK\r\n"),
}


class MailSink(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._heard, self._in_text = cast(asyncio.Transport, transport), bytearray(), False
        self._transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while (end := self._heard.find(END if self._in_text else b"\r\n")) >= 0:
            if self._in_text:
                self._take(end + len(END), b"250 OK\r\n")
                self._in_text = False
            else:
                self._obey(bytes(self._heard[:4]).upper(), end + 2)

    def _obey(self, verb: bytes, length: int) -> None:
        self._take(length, ANSWERS.get(verb, b"502 Not known here\r\n"))
        self._in_text = verb == b"DATA"
        if verb == b"QUIT":
            self._transport.close()

    def _take(self, length: int, answer: bytes) -> None:
        del self._heard[:length]
        self._transport.write(answer)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(MailSink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
