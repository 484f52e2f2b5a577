"""Telling a person how far it is: bars on a terminal, now and then a line elsewhere. All of it on stderr."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from labcourier_agent.records import Counts

LOGGER = logging.getLogger("labcourier_agent")
LINE_EVERY = 10.0
BARS_FOR_FILES = 4


@dataclass(frozen=True)
class Active:
    """A file under way: bytes sent of its size."""

    path: str
    offset: int
    size: int


@dataclass(frozen=True)
class View:
    """A moment of a run. `rate`: bytes a second since it began, without what was at the portal before."""

    counts: Counts
    active: Sequence[Active]
    rate: float

    @property
    def bytes_sent(self) -> int:
        return self.counts.bytes_at_portal + sum(active.offset for active in self.active)


class Progress(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, view: View) -> None: ...


class LineProgress:
    """A log line every ten seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + LINE_EVERY

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, view: View) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_EVERY
        counts = view.counts
        LOGGER.info(
            "%d of %d files sent (%s of %s, %s/s), %d verified, %d failed",
            counts.at_portal,
            counts.total,
            in_words(view.bytes_sent),
            in_words(counts.total_bytes),
            in_words(view.rate),
            counts.verified,
            counts.of("failed"),
        )


def open_progress() -> Progress:
    """Rich takes a moment to import: only where there is somebody to see it."""
    if not sys.stderr.isatty():
        return LineProgress()
    from labcourier_agent.bars import BarProgress

    return BarProgress()


def in_words(size: float) -> str:
    """Bytes in decimal units, as disks and networks are sold: 999 B, 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
