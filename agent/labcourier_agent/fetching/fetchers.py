"""The threads that bring files: small ones in bundles, large ones each by itself, both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.exits import AgentError, Busy, Conflict, Exit, Interrupted, Invalid, NotFound, Refused, TryLater
from labcourier_agent.fetching.fetch_journal import FetchJournal, Row
from labcourier_agent.fetching.folder import PIECE, Folder, LocalTrouble, OtherContent, WrongBytes
from labcourier_agent.fetching.large_file import LargeFile
from labcourier_agent.fetching.shared_portal import FileUnreadable, SharedPortal
from labcourier_agent.fetching.stretches import Stretches
from labcourier_agent.fetching.unbundling import Unbundler
from labcourier_agent.patience import Patience
from labcourier_agent.portal_client import BundleRules
from labcourier_agent.progress import LOGGER

BUNDLE_BYTES = 32 * 1024 * 1024
CHECKED_AT_ONCE = 100
SHRINK = 8
# Smaller files are not worth several connections: they have come before these are at speed.
IN_STRETCHES_FROM = 64 * 1024 * 1024


@dataclass
class Tally:
    """Since this run began. `fetched` are bytes that came over the line."""

    fetched: int = 0
    files: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, *, fetched: int = 0, files: int = 0) -> None:
        with self.lock:
            self.fetched += fetched
            self.files += files


class Fetchers:
    """`start`, then `wait` again and again until it says that all is done. What ended it early is raised by `wait`."""

    def __init__(
        self,
        portal: SharedPortal,
        journal: FetchJournal,
        folder: Folder,
        rules: BundleRules,
        *,
        stop: threading.Event,
        bandwidth: Bandwidth | None,
        connections: int = 1,
    ) -> None:
        self.tally = Tally()
        self._portal, self._journal, self._folder, self._rules = portal, journal, folder, rules
        self._stop, self._bandwidth, self._connections = stop, bandwidth, connections
        self._in_stretches: list[Stretches] = []
        self._lock = threading.Lock()
        self._busy = 0
        self._trouble: list[AgentError] = []
        self._threads: list[threading.Thread] = []

    def start(self, transfers: int) -> None:
        for number in range(transfers):
            thread = threading.Thread(target=self._run, args=(bool(number % 2),), name=f"fetch-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Whether all of them ended. Errors: what ended one of them; Interrupted after a stop."""
        for thread in self._threads:
            thread.join(seconds / len(self._threads))
        if any(thread.is_alive() for thread in self._threads):
            return False
        if self._trouble:
            raise self._trouble[0]
        if self._stop.is_set():
            raise Interrupted
        return True

    def _run(self, large_first: bool) -> None:
        try:
            while not self._stop.is_set():
                task, more = self._next(large_first)
                if task is not None:
                    self._do(task)
                    large_first = not large_first
                elif not more:
                    return
                else:
                    self._stop.wait(0.02)
        except Interrupted:
            return
        except AgentError as trouble:
            self._trouble.append(trouble)
            self._stop.set()

    def _do(self, task: Callable[[], None]) -> None:
        try:
            task()
        finally:
            with self._lock:
                self._busy -= 1

    def _next(self, large_first: bool) -> tuple[Callable[[], None] | None, bool]:
        """A task, and whether there may still come one: a bundle that breaks leaves files to be fetched singly."""
        with self._lock:
            task = self._present() or self._wanted(small=not large_first) or self._wanted(small=large_first)
            task = task or self._help()
            self._busy += task is not None
            return task, self._busy > 0

    def _present(self) -> Callable[[], None] | None:
        rows = self._journal.take("present", small=None, most=CHECKED_AT_ONCE, most_bytes=PIECE)
        return partial(self._check, rows) if rows else None

    def _wanted(self, *, small: bool) -> Callable[[], None] | None:
        most = self._rules.max_files if small else 1
        rows = self._journal.take("wanted", small=small, most=most, most_bytes=min(BUNDLE_BYTES, self._rules.max_bytes))
        if not rows:
            return None
        return partial(self._bundle, rows) if small else partial(self._single, rows[0])

    def _help(self) -> Callable[[], None] | None:
        """Nothing is left that a thread would have for itself: a stretch of what another one has."""
        for stretches in self._in_stretches:
            if stretch := stretches.take():
                return partial(stretches.help, stretch)
        return None

    def _check(self, rows: list[Row]) -> None:
        """Files of the right size lie there already."""
        kept: list[tuple[Row, str]] = []
        for row in rows:
            try:
                mark = self._folder.check(row, self._stop)
            except (OtherContent, LocalTrouble) as trouble:
                if self._stop.is_set():
                    raise Interrupted from trouble
                self._fail(row, trouble.exit_code, trouble.sentence)
                continue
            if mark is None:
                self._journal.note("wanted", [row])
            else:
                kept.append((row, mark))
        self._journal.note_whole("whole", kept)
        self.tally.note(files=len(kept))

    def _bundle(self, rows: list[Row]) -> None:
        """Fewer at a time when the portal stops before any came whole: so it shows at which of them."""
        patience, most = self._patience(), len(rows)
        remaining = {row.path: row for row in rows}
        while remaining:
            asked, before = list(islice(remaining.values(), most)), len(remaining)
            try:
                with self._portal.bundle([(row.path, row.sha256) for row in asked]) as pieces:
                    self._unpack(Unbundler(self._coming(pieces)), remaining)
            except NotFound:
                self._link_works()
            except FileUnreadable as trouble:
                most = len(asked) // SHRINK or 1
                if len(asked) == 1:
                    self._fail(remaining.pop(asked[0].path), trouble.exit_code, trouble.sentence)
                continue
            except TryLater as trouble:
                if len(remaining) < before:
                    patience.progressed()
                elif self._link_works():
                    most = len(asked) // SHRINK
                patience.wait_after(trouble)
                if most:
                    continue
            # What was left out is another version by now, or gone: asked for by itself, the portal says which.
            self._journal.note_single([remaining.pop(row.path) for row in asked if row.path in remaining])
            most = min(most * 2 or 1, len(rows))

    def _unpack(self, tar: Unbundler, remaining: dict[str, Row]) -> None:
        whole: list[tuple[Row, str]] = []
        try:
            for name, size in tar.members():
                row = remaining.get(name)
                if row is None or row.size != size:
                    raise Busy("The portal sent another file than was asked for.")
                try:
                    whole.append((row, self._folder.write(row, tar.content())))
                except WrongBytes:
                    self._journal.note_single([row])
                except (OtherContent, LocalTrouble, Invalid) as trouble:
                    self._fail(row, trouble.exit_code, trouble.sentence)
                del remaining[name]
        finally:
            self._journal.note_whole("whole", whole)
            self.tally.note(files=len(whole))

    def _single(self, row: Row) -> None:
        try:
            mark = self._fetch_large(row)
        except NotFound as trouble:
            self._link_works()
            self._fail(row, Exit.REFUSED, trouble.sentence)
        except Conflict as trouble:
            self._fail(row, Exit.TRY_LATER, trouble.sentence)
        except (WrongBytes, OtherContent, LocalTrouble, Invalid, Busy) as trouble:
            self._fail(row, trouble.exit_code, trouble.sentence)
        else:
            self._journal.note_whole("settled", [(row, mark)])
            self.tally.note(files=1)

    def _fetch_large(self, row: Row) -> str:
        with self._shared_out(row) as stretches:
            file = LargeFile(row, self._portal, self._folder, self._coming, self._link_works, stretches)
            return file.fetch(self._patience())

    @contextmanager
    def _shared_out(self, row: Row) -> Iterator[Stretches | None]:
        """Others may help while it is fetched. What an earlier run left in stretches is brought to its end so."""
        pays = row.size >= IN_STRETCHES_FROM and self._connections > 1
        if not pays and not self._journal.stretches(row):
            yield None
            return
        stretches = Stretches(
            row,
            self._portal,
            self._folder,
            self._journal,
            self._coming,
            connections=self._connections,
            stop=self._stop,
        )
        with self._lock:
            self._in_stretches.append(stretches)
        try:
            yield stretches
        finally:
            with self._lock:
                self._in_stretches.remove(stretches)
            stretches.close()

    def _coming(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in self._bandwidth.pace(pieces) if self._bandwidth else pieces:
            if self._stop.is_set():
                raise Interrupted
            self.tally.note(fetched=len(piece))
            yield piece

    def _link_works(self) -> bool:
        """False when the portal is not reachable. Errors: Refused when the link ended."""
        try:
            self._portal.shared()
        except NotFound as error:
            raise Refused(f"The link does not work any more. {error.sentence}") from error
        except TryLater:
            return False
        return True

    def _patience(self) -> Patience:
        return Patience(self._stop, LOGGER.warning)

    def _fail(self, row: Row, exit_code: Exit, sentence: str) -> None:
        LOGGER.warning("%s: %s", row.path, sentence)
        self._journal.note_failed(row, exit_code, sentence)
