"""How far a fetch is, on stderr: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from labcourier_agent.fetching.fetchers import Tally
from labcourier_agent.progress import LINE_EVERY, LOGGER, in_words


class FetchProgress(Protocol):
    def show(self, tally: Tally) -> None: ...


class Lines:
    def __init__(self, files: int, size: int, before: int) -> None:
        self._files, self._size, self._before = files, size, before
        self._began = time.monotonic()
        self._next = self._began + LINE_EVERY

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LINE_EVERY
        LOGGER.info(
            "%d of %d files verified (%s in all); %s fetched, %s/s",
            self._before + tally.files,
            self._files,
            in_words(self._size),
            in_words(tally.fetched),
            in_words(tally.fetched / (now - self._began)),
        )


@contextmanager
def open_fetch_progress(files: int, size: int, before: int, bytes_before: int) -> Iterator[FetchProgress]:
    """Rich takes a moment to import: only where there is somebody to see it."""
    if not sys.stderr.isatty():
        yield Lines(files, size, before)
        return
    from labcourier_agent.fetching.fetch_bar import Bar

    with Bar(files, size - bytes_before, before) as bar:
        yield bar
