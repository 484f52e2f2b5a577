"""How far a run is, measured often enough for the eye and seldom enough for the journal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from labcourier_agent.ledger import Ledger
from labcourier_agent.progress import Active, View
from labcourier_agent.records import Counts

SHOW_EVERY = 0.25
# Counting a hundred thousand files takes a while: it gets at most this share of the time.
COUNT_SHARE = 0.05


class Gauge:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._began = self._next = time.monotonic()
        self._at_start: int | None = None

    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def view(self, active: Sequence[Active]) -> View:
        began = time.monotonic()
        counts = self._ledger.counts()
        now = time.monotonic()
        self._next = now + max(SHOW_EVERY, (now - began) / COUNT_SHARE)
        return View(counts, active, self._rate(counts, active, now))

    def _rate(self, counts: Counts, active: Sequence[Active], now: float) -> float:
        sent = counts.bytes_at_portal + sum(file.offset for file in active)
        if self._at_start is None:
            self._at_start = sent
        return max(sent - self._at_start, 0) / max(now - self._began, 0.001)
