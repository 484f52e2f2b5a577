"""The programs' heartbeats: the worker's from the loop that takes work, the scheduler's from its ticks.

Both are written by a thread of their own, so that a slow database holds up neither; a program whose loop hangs starts
none, and is missed.
"""

import socket
from threading import Thread
from time import monotonic
from typing import Any

import structlog
from celery import bootsteps
from celery.beat import PersistentScheduler
from django.db import Error, connection
from django.utils import timezone

log = structlog.get_logger(__name__)

INTERVAL = 60.0  # seconds


class Heart:
    """Of one program."""

    def __init__(self, kind: str, name: str) -> None:
        self._kind, self._name = kind, name
        self._thread: Thread | None = None
        self._beat_at = -INTERVAL

    def beat(self) -> None:
        """Writes, unless the last is still being written."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self.write, name="heartbeat", daemon=True)
            self._thread.start()

    def beat_if_time(self) -> None:
        """The same, at most once an interval."""
        present = monotonic()
        if present - self._beat_at >= INTERVAL:
            self._beat_at = present
            self.beat()

    def write(self) -> None:
        from portal.models import Heartbeat  # Celery reads this file before Django has its models

        try:
            Heartbeat.objects.note(kind=self._kind, name=self._name, now=timezone.now())
        except Error as error:
            log.warning("heartbeat_not_written", program=self._name, error=type(error).__name__)
        finally:
            connection.close()  # of this thread alone


class WorkerHeartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Begins once the worker takes work, also after the broker was away: that ends every timer of the worker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        heart = Heart("worker", consumer.hostname)
        heart.beat()
        consumer.timer.call_repeatedly(INTERVAL, heart.beat)


class BeatingScheduler(PersistentScheduler):  # type: ignore[misc]
    """Celery's own, heard at its ticks."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._heart = Heart("scheduler", f"beat@{socket.gethostname()}")
        super().__init__(*arguments, **options)

    def tick(self, *arguments: Any, **options: Any) -> float:
        seconds: float = super().tick(*arguments, **options)
        self._heart.beat_if_time()
        return min(seconds, INTERVAL)
