"""Where a run's files come from: when to look through the folders again, and when what lies there is complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labcourier_agent.clock import steady_now
from labcourier_agent.ledger import Ledger
from labcourier_agent.scan import EVERYTHING, Selection
from labcourier_agent.stock import Stock, compare_stock, take_stock

LOOK_EVERY = 1.0
# A look takes at most this part of the time, however many files there are.
SHARE = 0.1


class Intake(Protocol):
    """What fills a ledger. `over`: nothing more will come. `looked`: it has looked at least once."""

    over: bool
    looked: bool

    @property
    def closes(self) -> bool:
        """Whether the dataset is closed once all is sent, or stays open for more."""

    def is_due(self, *, quiet: bool) -> bool:
        """`quiet`: everything noted so far is at the portal."""

    def look(self, ledger: Ledger, *, quiet: bool, say: Callable[[str], None]) -> Stock:
        """Notes what is new or changed. `say` is told what is left out."""

    def left_over(self, ledger: Ledger) -> int:
        """How many files are new or changed, of a dataset that takes no more."""


@dataclass(frozen=True)
class Follow:
    """Sending while the instrument writes. Seconds; `marker` is a file name, at the top of one of the folders."""

    stable: float
    idle: float | None
    marker: str | None


class Lookout:
    """An Intake. Without `follow`: once, and once more when all is sent, until nothing is new or changed.

    With it: again and again, until the marker is there or nothing changed for `idle` seconds, and all is sent.
    """

    closes = True

    def __init__(self, sources: Sequence[str], follow: Follow | None, selection: Selection = EVERYTHING) -> None:
        self.over = False
        self.looked = False
        self._sources = sources
        self._follow = follow
        self._selection = selection
        self._ending = False
        self._began = 0.0
        self._next = 0.0
        self._last_change = time.monotonic()

    def is_due(self, *, quiet: bool) -> bool:
        if self.over:
            return False
        if self._follow is None:
            return quiet or not self.looked
        return time.monotonic() >= self._next

    def look(self, ledger: Ledger, *, quiet: bool, say: Callable[[str], None]) -> Stock:
        self.begin()
        ready_at = steady_now() + (self._follow.stable if self._follow else 0.0)
        selection, marker = self._selection, self._marker
        stock = take_stock(ledger, self._sources, ready_at=ready_at, skip=marker, selection=selection, say=say)
        self.note(stock, quiet=quiet)
        return stock

    def left_over(self, ledger: Ledger) -> int:
        return compare_stock(ledger, self._sources, skip=self._marker, selection=self._selection).changed

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

    @property
    def _marker(self) -> str | None:
        return self._follow.marker if self._follow else None

    def _marker_is_there(self) -> bool:
        marker = self._marker
        return marker is not None and any(Path(source, marker).exists() for source in self._sources)

    def _is_idle(self) -> bool:
        idle = self._follow.idle if self._follow else None
        return idle is not None and time.monotonic() - self._last_change >= idle
