"""When to look through the folders again, and when what lies there is complete."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labcourier_agent.stock import Stock

LOOK_EVERY = 1.0
# A look takes at most this part of the time, however many files there are.
SHARE = 0.1


@dataclass(frozen=True)
class Follow:
    """Sending while the instrument writes. Seconds; `marker` is a file name, at the top of one of the folders."""

    stable: float
    idle: float | None
    marker: str | None


class Lookout:
    """Without `follow`: once, and once more when all is sent, until nothing is new or changed.

    With it: again and again, until the marker is there or nothing changed for `idle` seconds, and all is sent.
    """

    def __init__(self, sources: Sequence[str], follow: Follow | None) -> None:
        self.over = False
        self.looked = False
        self._sources = sources
        self._follow = follow
        self._ending = False
        self._began = 0.0
        self._next = 0.0
        self._last_change = time.monotonic()

    def is_due(self, *, quiet: bool) -> bool:
        """`quiet`: everything noted so far is at the portal."""
        if self.over:
            return False
        if self._follow is None:
            return quiet or not self.looked
        return time.monotonic() >= self._next

    def begin(self) -> None:
        """To be called before each look: what was written before the marker is then seen by this look."""
        self._began = time.monotonic()
        self._ending = self._follow is None or self._marker_is_there() or self._is_idle()

    def note(self, stock: Stock, *, quiet: bool) -> None:
        now = time.monotonic()
        self.looked = True
        self._last_change = now if stock.changed else self._last_change
        self._next = now + max(LOOK_EVERY, (now - self._began) / SHARE)
        self.over = self._ending and quiet and not stock.changed

    def _marker_is_there(self) -> bool:
        marker = self._follow.marker if self._follow else None
        return marker is not None and any(Path(source, marker).exists() for source in self._sources)

    def _is_idle(self) -> bool:
        idle = self._follow.idle if self._follow else None
        return idle is not None and time.monotonic() - self._last_change >= idle
