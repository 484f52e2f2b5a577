"""A hundred thousand reminders, written and sent through a mail server on this machine that only counts."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.clock_stage import DATABASES, Swept, swept
from bench.figures import Figure
from bench.memory import peak_memory
from portal.config import ROOT

COMMAND = ".venv/bin/python -m bench.clock"
SENDERS = 2  # as many as a portal has workers, unless it is told otherwise


def measure(quick: bool) -> Iterator[Figure]:
    count = 1000 if quick else 100_000
    for database in DATABASES:
        with _mail_server() as port, swept(database, count, count, **_settings(port, count)) as stage:
            stage.run("manage.py", "remind_recipients")
            seconds, processor, megabytes = _send(stage, count)
        name = f"{count:,} mails by {SENDERS} senders, {database}"
        yield Figure(name, "mails/s", count / seconds, COMMAND, aim="≥ 200/s")
        yield Figure(
            f"processor of the senders, {name}", "ms a mail", processor / count * 1000, COMMAND, less_is_better=True
        )
        yield Figure(f"memory, {name}", "MB", megabytes, COMMAND, less_is_better=True, aim="flat")


def _settings(port: int, count: int) -> dict[str, str]:
    """A project's ceiling for a day is above ``count``: its cost is in the figures, it holds nobody up."""
    return {"LABCOURIER_EMAIL_URL": f"smtp://127.0.0.1:{port}", "LABCOURIER_MAILS_A_DAY": str(2 * count)}


def _send(stage: Swept, count: int) -> tuple[float, float, float]:
    """Seconds and processor seconds, both with the start of the processes, and their peak memory in MB."""
    began, used = time.perf_counter(), _processor_seconds()
    senders = [stage.start("manage.py", "send_mail") for _ in range(SENDERS)]
    with peak_memory(*(sender.pid for sender in senders)) as peak:
        said = [sender.communicate()[0] for sender in senders]
    sent = sum(int(line.split()[0]) for line in said if line.endswith(" sent\n"))
    if sent != count:
        raise SystemExit(f"{sent} of {count} mails were sent: {said}")
    return time.perf_counter() - began, _processor_seconds() - used, peak.megabytes


def _processor_seconds() -> float:
    """Of the children that have ended: the mail server and the database are not among them."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


@contextmanager
def _mail_server() -> Iterator[int]:
    """Its port; in a process of its own, so that it takes no time of ours."""
    command = [sys.executable, "-m", "bench.mail_sink"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sink:
        yield int(next(iter(sink.stdout or ())))
        sink.communicate()
