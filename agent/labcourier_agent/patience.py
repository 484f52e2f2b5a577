"""Waiting between attempts: trouble that passes is waited out, for as long as it takes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from labcourier_agent.exits import AgentError, Interrupted, NoRoom, TryLater

T = TypeVar("T")

FIRST_DELAY = 0.25
LONGEST_DELAY = 60.0
NO_ROOM_PATIENCE = 3600.0


class Patience:
    """One line of attempts, e.g. those of one file. Not shared between threads.

    Delays double from 0.25 s to 60 s with jitter, never below what the portal asked for, and start small again
    after `progressed`. Only a full portal ends it: after an hour without room NoRoom is raised. Interrupted is raised
    once `stop` is set.
    """

    def __init__(self, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._stop = stop
        self._say = say
        self._delay = FIRST_DELAY
        self._no_room_since: float | None = None

    def keep_trying(self, attempt: Callable[[], T]) -> T:
        while True:
            try:
                return attempt()
            except TryLater as trouble:
                self.wait_after(trouble)

    def wait_after(self, trouble: AgentError) -> None:
        if isinstance(trouble, NoRoom):
            self._bear_no_room(trouble)
        asked = trouble.retry_after if isinstance(trouble, TryLater) else 0.0
        delay = max(self._delay * random.uniform(0.5, 1.0), asked * random.uniform(1.0, 1.1))  # noqa: S311 jitter
        self._delay = min(self._delay * 2, LONGEST_DELAY)
        if delay >= 1.0:
            self._say(f"{trouble.sentence} Trying again in {delay:.0f} s.")
        if self._stop.wait(delay):
            raise Interrupted

    def progressed(self) -> None:
        self._delay = FIRST_DELAY
        self._no_room_since = None

    def _bear_no_room(self, trouble: NoRoom) -> None:
        now = time.monotonic()
        self._no_room_since = now if self._no_room_since is None else self._no_room_since
        if now - self._no_room_since > NO_ROOM_PATIENCE:
            raise NoRoom(f"{trouble.sentence} Nothing changed for an hour: make room, then run the same command again.")
        self._say("The portal has no room left. Waiting for room; sending goes on by itself.")
