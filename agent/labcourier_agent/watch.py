"""The command `watch`: looks at folders and sends what is complete, for months."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from labcourier_agent.config import WatchConfig
from labcourier_agent.exits import AgentError, Exit, JournalTrouble
from labcourier_agent.hours import may_work
from labcourier_agent.journal import Journal
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Folders
from labcourier_agent.watch_sittings import Sittings
from labcourier_agent.watch_standing import StandingBoard
from labcourier_agent.watch_thread import FolderWatch

TICK = 0.2
STAND_EVERY = 2.0
# For a folder's thread to come to its end; one that hangs in a dead share ends with the process.
FAREWELL = 3.0


class Watch:
    """`read` gives the configuration as it is now, or raises AgentError; `changed_at` tells when it was written.

    Errors of `run`: AgentError for a configuration that is not valid at the start.
    """

    def __init__(
        self, folders: Folders, read: Callable[[], WatchConfig], files: tuple[Path, ...], board: StandingBoard
    ) -> None:
        self._folders = folders
        self._read = read
        self._files = files
        self.board = board
        self._config = read()
        self._version = self._look_at_files()
        self._watches: dict[str, FolderWatch] = {}
        self._stop = threading.Event()
        self._read_again = threading.Event()
        self._stood_at = float("-inf")

    def stop(self) -> None:
        """From another thread: `run` returns when everything has come to an end."""
        self.board.post_stopping()
        self._stop.set()

    def read_again(self) -> None:
        self._read_again.set()

    def run(self, *, once: bool = False) -> Exit:
        """Until `stop`, or with `once` until everything that is complete has been sent."""
        with ExitStack() as stack:
            journal = Journal(self._folders.journal)
            stack.callback(journal.close)
            sittings = Sittings(journal, self._tell)
            stack.callback(self._end_watches)
            stack.callback(sittings.stop_all)
            self._begin_watches(journal, sittings)
            while not self._stop.wait(TICK):
                try:
                    self._take_new_config(journal, sittings)
                    busy = self._serve(sittings)
                    self._post_standing()
                except JournalTrouble as trouble:
                    self._tell_once(trouble.sentence)
                    continue
                if once and not busy:
                    if self._is_settled():
                        return self._outcome()
                    self._look_after_sending()
        LOGGER.info("Stopped. What is not sent yet is sent after the next start.")
        return Exit.INTERRUPTED if once else Exit.OK

    def _serve(self, sittings: Sittings) -> bool:
        if not may_work(self._config.schedule):
            sittings.stop_all()
            return sittings.serve([], self._config)
        pairs = [(dataset, watch.entry) for watch in self._watches.values() for dataset in watch.datasets]
        return sittings.serve(pairs, self._config)

    @property
    def folders(self) -> list[FolderWatch]:
        return list(self._watches.values())

    # The configuration.

    def _take_new_config(self, journal: Journal, sittings: Sittings) -> None:
        version = self._look_at_files()
        if version == self._version and not self._read_again.is_set():
            return
        self._version = version
        self._read_again.clear()
        try:
            self._config = self._read()
        except AgentError as error:
            self._tell(f"{error.sentence}\nThe configuration before stays in force.")
            return
        LOGGER.info("The configuration was read again: %d folders.", len(self._config.folders))
        self._begin_watches(journal, sittings)

    def _begin_watches(self, journal: Journal, sittings: Sittings) -> None:
        """What stays the same goes on; what is new, changed or gone begins or ends."""
        wanted = {entry.identity: entry for entry in self._config.folders}
        for identity, watch in list(self._watches.items()):
            if wanted.get(identity) != watch.entry:
                watch.stop()
                watch.join(FAREWELL)
                sittings.stop_those_of(watch.datasets)
                del self._watches[identity]
        for identity, entry in wanted.items():
            if identity not in self._watches:
                self._watches[identity] = FolderWatch(entry, journal, self._folders, self._tell)
                self._watches[identity].start()

    def _look_at_files(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(map(_version_of, self._files))

    def _end_watches(self) -> None:
        for watch in self._watches.values():
            watch.stop()
        for watch in self._watches.values():
            watch.join(FAREWELL)

    # How it stands.

    def _tell(self, sentence: str) -> None:
        LOGGER.warning("%s", sentence)
        self.board.post_error(sentence)

    def _tell_once(self, sentence: str) -> None:
        if sentence != self.board.read().last_error:
            self._tell(sentence)

    def _post_standing(self) -> None:
        if time.monotonic() - self._stood_at < STAND_EVERY:
            return
        may_send = may_work(self._config.schedule)
        self.board.post([watch.standing(may_send=may_send) for watch in self._watches.values()])
        self._stood_at = time.monotonic()

    def _look_after_sending(self) -> None:
        for watch in self._watches.values():
            if not watch.looked_since_sending:
                watch.look_soon()

    def _is_settled(self) -> bool:
        return all(
            ((watch.looks >= 2 and watch.looked_since_sending) or watch.exit_code)
            and (watch.last is None or len(watch.last.waiting) <= watch.last.held)
            and not any(dataset.needs_sending and not dataset.trouble for dataset in watch.datasets)
            for watch in self._watches.values()
        )

    def _outcome(self) -> Exit:
        """The gravest: trouble of a dataset, a folder that cannot be watched, files that are not complete."""
        watches = self._watches.values()
        if any(dataset.trouble for watch in watches for dataset in watch.datasets):
            return Exit.OTHER
        codes = {watch.exit_code for watch in watches} - {Exit.OK}
        if any(watch.last.is_missing for watch in watches if watch.last):
            return Exit.NOT_FOUND
        if codes or any(watch.trouble for watch in watches):
            return max(codes, default=Exit.OTHER)
        held = sum(watch.last.held for watch in watches if watch.last)
        if held:
            LOGGER.warning("%d files are not complete yet, and were not sent.", held)
        return Exit.TRY_LATER if held else Exit.OK


def _version_of(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
