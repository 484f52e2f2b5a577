"""Messages to the person: each worth saying once in a while, not once per thread and attempt."""

from __future__ import annotations

import logging
import re
import threading
import time

from labcourier_agent.progress import LOGGER

AGAIN_AFTER = 30.0
REMEMBERED = 1000
FAILURES_SAID = 20


class Notices:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}
        self._failures = 0

    def say(self, sentence: str) -> None:
        """As a warning, but not again within half a minute, whatever the delay it names."""
        kind, now = re.sub(r"again in \d+ s", "again", sentence), time.monotonic()
        with self._lock:
            fresh = now - self._said.get(kind, float("-inf")) >= AGAIN_AFTER
            if fresh:
                self._remember(kind, now)
        LOGGER.log(logging.WARNING if fresh else logging.DEBUG, "%s", sentence)

    def say_failed(self, path: str, sentence: str) -> None:
        """The first failures each; later ones only go to the log file, as all of them are in the journal."""
        with self._lock:
            self._failures += 1
            number = self._failures
        LOGGER.log(logging.WARNING if number <= FAILURES_SAID else logging.DEBUG, "%s: %s", path, sentence)
        if number == FAILURES_SAID:
            LOGGER.warning("More failures are not shown here: `labcourier status` and the log file have them.")

    def _remember(self, kind: str, now: float) -> None:
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[kind] = now
