"""Messages to the person: each worth saying once in a while, not once per thread and attempt."""

from __future__ import annotations

import logging
import re
import threading
import time

from labcourier_agent.progress import LOGGER

AGAIN_AFTER = 30.0
REMEMBERED = 1000


class Notices:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}

    def say(self, sentence: str) -> None:
        """As a warning, but not again within half a minute, whatever the delay it names."""
        kind, now = re.sub(r"again in \d+ s", "again", sentence), time.monotonic()
        with self._lock:
            fresh = now - self._said.get(kind, float("-inf")) >= AGAIN_AFTER
            if fresh:
                self._remember(kind, now)
        LOGGER.log(logging.WARNING if fresh else logging.DEBUG, "%s", sentence)

    def _remember(self, kind: str, now: float) -> None:
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[kind] = now
