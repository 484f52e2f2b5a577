"""A hundred thousand reminders, written and sent through a mail server on this machine that only counts."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from threading import Event

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.clock_stage import DATABASES, Swept, swept
from bench.figures import Figure
from bench.memory import peak_memory

COMMAND = ".venv/bin/python -m bench.clock"
SENDERS = 2  # as many as a portal has workers, unless it is told otherwise


def measure(quick: bool) -> Iterator[Figure]:
    count = 1000 if quick else 100_000
    for database in DATABASES:
        with (
            _mail_server() as port,
            swept(database, count, count, LABCOURIER_EMAIL_URL=f"smtp://127.0.0.1:{port}") as stage,
        ):
            stage.run("manage.py", "remind_recipients")
            seconds, megabytes = _send(stage, count)
        name = f"{count:,} mails by {SENDERS} senders, {database}"
        yield Figure(name, "mails/s", count / seconds, COMMAND, aim="≥ 200/s")
        yield Figure(f"memory, {name}", "MB", megabytes, COMMAND, less_is_better=True, aim="flat")


def _send(stage: Swept, count: int) -> tuple[float, float]:
    """Seconds, with the start of the processes, and their peak memory in MB."""
    began = time.perf_counter()
    senders = [stage.start("manage.py", "send_mail") for _ in range(SENDERS)]
    with peak_memory(*(sender.pid for sender in senders)) as peak:
        said = [sender.communicate()[0] for sender in senders]
    sent = sum(int(line.split()[0]) for line in said if line.endswith(" sent\n"))
    if sent != count:
        raise SystemExit(f"{sent} of {count} mails were sent: {said}")
    return time.perf_counter() - began, peak.megabytes


class _Counting:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


@contextmanager
def _mail_server() -> Iterator[int]:
    """Its port; in a process of its own, so that it takes no time of ours."""
    spawn = multiprocessing.get_context("spawn")
    ports, stop = spawn.Queue(), spawn.Event()
    server = spawn.Process(target=_serve, args=(ports, stop), daemon=True)
    server.start()
    try:
        yield ports.get(timeout=30)
    finally:
        stop.set()
        server.join()


def _serve(ports: "Queue[int]", stop: Event) -> None:
    from bench.stage import free_port

    controller = Controller(_Counting(), hostname="127.0.0.1", port=free_port())
    controller.start()
    ports.put(controller.port)
    stop.wait()
    controller.stop()
