"""Working only at certain hours of the day."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from labcourier_agent.exits import Interrupted
from labcourier_agent.interruption import heeding_signals
from labcourier_agent.progress import LOGGER
from labcourier_agent.timetable import Schedule

LOOK_EVERY = 1.0


class Stoppable(Protocol):
    def execute(self) -> None:
        """Errors: Interrupted once it was stopped."""

    def stop(self) -> None:
        """From another thread."""


def execute_in_hours(begin: Callable[[], Stoppable], schedule: Schedule | None) -> None:
    """Executes what `begin` gives, stops it when the hours end, and begins another when they come again.

    Errors: those of execute; Interrupted on a signal.
    """
    while True:
        _wait_for_hours(schedule)
        work = begin()
        watch = _HoursWatch(work, schedule)
        try:
            heeding_signals(watch.execute, work.stop)
        except Interrupted:
            if not watch.is_past:
                raise
        else:
            return


def may_work(schedule: Schedule | None) -> bool:
    return schedule is None or schedule.is_open(datetime.now())  # noqa: DTZ005 by the clock on the wall


class _HoursWatch:
    def __init__(self, work: Stoppable, schedule: Schedule | None) -> None:
        self.is_past = False
        self._work = work
        self._schedule = schedule
        self._done = threading.Event()

    def execute(self) -> None:
        watch = threading.Thread(target=self._watch, name="hours", daemon=True)
        if self._schedule is not None:
            watch.start()
        try:
            self._work.execute()
        finally:
            self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(LOOK_EVERY):
            if not may_work(self._schedule):
                self.is_past = True
                self._work.stop()
                return


def _wait_for_hours(schedule: Schedule | None) -> None:
    if schedule is None or may_work(schedule):
        return
    LOGGER.info("Nothing is sent now: the schedule is %s. It goes on by itself.", schedule.text)
    stop = threading.Event()

    def wait() -> None:
        while not may_work(schedule):
            if stop.wait(LOOK_EVERY):
                return

    heeding_signals(wait, stop.set)
