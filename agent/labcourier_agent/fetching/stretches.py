"""One large file over several connections: stretches of it from a queue, each on the disk before the journal knows it.

    missing ── under way ──┬── here, and noted
       └──── the rest ─────┘  of one whose line broke

A line far away, or one that is shared fairly, gives each connection little; several give several times as much. So the
thread that has the file lets those that have nothing else to do bring stretches of it. They become shorter towards
the end: a slow connection holds nobody up.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO

from labcourier_agent.exits import AgentError, Busy, Interrupted, Unreachable
from labcourier_agent.fetching.fetch_journal import FetchJournal, Row
from labcourier_agent.fetching.folder import PIECE, Folder, WrongBytes, local
from labcourier_agent.fetching.shared_portal import SharedPortal

MIB = 1024 * 1024
# Of one request. Each leaves a line in the portal's audit, so a very large file should not take thousands of them.
LEAST, MOST = 16 * MIB, 256 * MIB
# Flushed and noted, of all connections at once, when so much came since and so many seconds went by: lost by a kill.
NOTED, NOTED_EVERY = 16 * MIB, 0.25
# Of what is missing a connection takes this part of its share: at the end there are short ones for all.
SHARES = 4
# Read for the digest in between, so that the other connections are not waited for at the end.
FOLLOWED = 256 * MIB
# A connection that brings more than this, in bytes a second over so many seconds, needs no help: several are slower.
ENOUGH, MEASURED_OVER = 200e6, 0.1
LOOK_EVERY = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


@dataclass(eq=False)
class Stretch:
    """Bytes from `start` up to `stop`; those before `reached` are in the file, those before `noted` surely."""

    start: int
    stop: int
    reached: int
    noted: int


class Stretches:
    """`begin`, `bring` and `close` are for the thread that has the file; others `take` a stretch and `help`."""

    def __init__(
        self,
        row: Row,
        portal: SharedPortal,
        folder: Folder,
        journal: FetchJournal,
        coming: Callable[[Iterator[bytes]], Iterator[bytes]],
        *,
        connections: int,
        stop: threading.Event,
    ) -> None:
        self._row, self._portal, self._folder, self._journal = row, portal, folder, journal
        self._coming, self._connections, self._stop = coming, connections, stop
        self._changed = threading.Condition()
        self._missing: list[tuple[int, int]] = []
        self._under_way: list[Stretch] = []
        self._ended: list[Stretch] = []  # not noted to their end yet
        self._written, self._noted_at = 0, 0.0
        self._helping = 0
        self._rate = ENOUGH
        self._is_open = False
        self._trouble: AgentError | None = None
        self._pause, self._help_from = FIRST_PAUSE, 0.0
        self._digest, self._followed = hashlib.sha256(), 0

    def begin(self) -> None:
        """From what lies there: a beginning, or stretches that the journal knows. Errors: LocalTrouble, NoRoomHere."""
        row, part = self._row, self._folder.part(self._row)
        with local(row.path), part.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size > row.size:
                size = file.truncate(0)
            here = self._journal.stretches(row)
            if size < row.size:
                os.fsync(file.fileno())
                self._journal.begin_stretches(row, size)  # before it is lengthened, after which it would look whole
                here = [(0, size)]
                file.truncate(row.size)
                os.fsync(file.fileno())
        self._missing = _between(here or [(0, row.size)], row.size)
        self._is_open = True

    def bring(self) -> None:
        """What is missing, and to the disk with it. Errors: WrongBytes; RangesIgnored; what others met; TryLater."""
        while not self._is_whole():
            if stretch := self._take():
                self._bring(stretch)
            else:
                with self._changed:
                    self._changed.wait(LOOK_EVERY)
            if self._trouble:
                raise self._trouble
            if self._stop.is_set():
                raise Interrupted
            self._follow(FOLLOWED)
        self._note_rest()
        self._follow(self._row.size)
        if self._digest.hexdigest() != self._row.sha256:
            raise WrongBytes("It arrived with other bytes than the portal verified.")

    def close(self) -> None:
        """Returns when nobody works at the file any more."""
        with self._changed:
            self._is_open = False
            while self._helping:
                self._changed.wait(LOOK_EVERY)
        self._note_rest()

    def forget(self) -> None:
        """Nothing of what came is kept. After `close`. Errors: LocalTrouble."""
        with local(self._row.path):
            os.truncate(self._folder.part(self._row), 0)
        self._journal.forget_stretches(self._row)

    def here(self) -> int:
        """Bytes that need not be fetched any more."""
        with self._changed:
            left = sum(stretch.stop - stretch.reached for stretch in self._under_way)
            return self._row.size - left - sum(stop - start for start, stop in self._missing)

    def take(self) -> Stretch | None:
        """For a thread that has nothing else to do, which then calls `help` with it."""
        with self._changed:
            if not self._is_open or self._trouble or time.monotonic() < self._help_from or self._rate >= ENOUGH:
                return None
            if self._helping >= self._connections - 1 or (stretch := self._take()) is None:
                return None
            self._helping += 1
            return stretch

    def help(self, stretch: Stretch) -> None:
        """Trouble is for the thread that has the file; passing trouble keeps helpers away for a while."""
        try:
            self._bring(stretch)
        except (Unreachable, Busy):
            pass  # `_put_off` has noted it, and the stretch is in the queue again
        except Interrupted:
            raise
        except AgentError as trouble:
            self._trouble = self._trouble or trouble
        finally:
            with self._changed:
                self._helping -= 1
                self._changed.notify_all()

    def _take(self) -> Stretch | None:
        with self._changed:
            if not self._missing:
                return None
            start, stop = self._missing.pop(0)
            left = stop - start + sum(stop - start for start, stop in self._missing)
            length = min(max(left // (SHARES * self._connections), LEAST), MOST)
            if stop - start >= length + LEAST:
                self._missing.insert(0, (start + length, stop))
                stop = start + length
            stretch = Stretch(start, stop, reached=start, noted=start)
            self._under_way.append(stretch)
            return stretch

    def _bring(self, stretch: Stretch) -> None:
        row = self._row
        try:
            with local(row.path), self._folder.part(row).open("r+b", buffering=0) as part:
                part.seek(stretch.start)
                try:
                    self._receive(stretch, part)
                finally:
                    if stretch.reached < stretch.stop:
                        self._note(part)
        except (Unreachable, Busy) as trouble:
            self._put_off(trouble)
            raise
        finally:
            self._give_back(stretch)

    def _receive(self, stretch: Stretch, part: FileIO) -> None:
        row = self._row
        with self._portal.stretch(row.address, row.sha256, stretch.start, stretch.stop) as pieces:
            began = time.monotonic()
            for piece in self._coming(pieces):
                _write(part, piece)
                stretch.reached += len(piece)
                if (took := time.monotonic() - began) > MEASURED_OVER:
                    self._rate = (stretch.reached - stretch.start) / took
                if self._is_much(len(piece)):
                    self._note(part)
                if not self._is_open or self._trouble:
                    return
        if stretch.reached < stretch.stop:
            raise Busy("The portal ended a file in the middle.")
        self._pause = FIRST_PAUSE

    def _is_much(self, written: int) -> bool:
        """Whether it is time to note what came; says so to one thread."""
        with self._changed:
            self._written += written
            is_much = self._written >= NOTED and time.monotonic() >= self._noted_at + NOTED_EVERY
            if is_much:
                self._written, self._noted_at = 0, time.monotonic()
            return is_much

    def _note(self, part: FileIO) -> None:
        """What all connections brought: a flush is of the file, whoever wrote it."""
        with self._changed:
            come = [(one, one.reached) for one in (*self._ended, *self._under_way) if one.reached > one.noted]
        if not come:
            return
        os.fsync(part.fileno())
        self._journal.note_stretches(self._row, [(one.start, reached) for one, reached in come])
        with self._changed:
            for one, reached in come:
                one.noted = max(one.noted, reached)
            self._ended = [one for one in self._ended if one.noted < one.reached]

    def _note_rest(self) -> None:
        if self._ended:
            with local(self._row.path), self._folder.part(self._row).open("r+b", buffering=0) as part:
                self._note(part)

    def _give_back(self, stretch: Stretch) -> None:
        with self._changed:
            self._under_way.remove(stretch)
            if stretch.noted < stretch.reached:
                self._ended.append(stretch)
            if stretch.reached < stretch.stop:
                insort(self._missing, (stretch.reached, stretch.stop))
            self._changed.notify_all()

    def _put_off(self, trouble: Unreachable | Busy) -> None:
        """A portal that says when to come again is asked over fewer connections from then on."""
        with self._changed:
            if trouble.retry_after:
                self._connections = max(self._connections // 2, 1)
            self._help_from = time.monotonic() + max(self._pause, trouble.retry_after)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _is_whole(self) -> bool:
        with self._changed:
            return not self._missing and not self._under_way

    def _follow(self, most: int) -> None:
        """The digest of what lies in the file without a gap, at most so many bytes further."""
        with self._changed:
            ends = [start for start, _ in self._missing[:1]] + [stretch.reached for stretch in self._under_way]
        end = min([*ends, self._followed + most, self._row.size])
        with local(self._row.path), self._folder.part(self._row).open("rb", buffering=0) as part:
            part.seek(self._followed)
            while self._followed < end and not self._stop.is_set():
                piece = part.read(min(PIECE, end - self._followed))
                if not piece:
                    break  # somebody shortened the file: its digest will say so
                self._digest.update(piece)
                self._followed += len(piece)
        if self._stop.is_set():
            raise Interrupted


def _between(here: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """What is missing of `size` bytes; those that are here are sorted."""
    missing, reached = [], 0
    for start, stop in here:
        if start > reached:
            missing.append((reached, start))
        reached = max(reached, stop)
    if reached < size:
        missing.append((reached, size))
    return missing


def _write(part: FileIO, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[part.write(left) :]
