"""The command `watch`: looks at folders and sends what is complete, for months."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from labcourier_agent.close_requests import CloseRequests
from labcourier_agent.config import FolderEntry, WatchConfig
from labcourier_agent.exits import AgentError, AlreadyRunning, Exit, Interrupted, JournalTrouble
from labcourier_agent.hours import may_work
from labcourier_agent.journal import Journal
from labcourier_agent.lock import only_one, only_one_on
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Folders
from labcourier_agent.watch_dataset import WAITING, WatchedDataset
from labcourier_agent.watch_folder import Look, WatchedFolder
from labcourier_agent.watch_sittings import Sittings
from labcourier_agent.watch_standing import FolderStanding, FolderState, StandingBoard
from labcourier_agent.watch_wake import wake_on_events

TICK = 0.2
LOOK_EVERY = 1.0
# A look takes at most this part of the time, however many files there are.
SHARE = 0.1
# Seconds between two looks, however many events there are.
LEAST_REST = 0.1
STAND_EVERY = 2.0
# For a folder's thread to come to its end; one that hangs in a dead share ends with the process.
FAREWELL = 3.0


class FolderWatch:
    """One folder with a thread of its own: a share that hangs holds up nobody else."""

    def __init__(self, entry: FolderEntry, journal: Journal, folders: Folders, tell: Callable[[str], None]) -> None:
        self.entry = entry
        self.looks = 0
        self.trouble = ""
        self.exit_code = Exit.OK
        self.folder: WatchedFolder | None = None
        self._journal = journal
        self._folders = folders
        self._tell = tell
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._requests = CloseRequests(folders.state)
        self._thread = threading.Thread(target=self._watch, name=f"watch-{entry.path}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def last(self) -> Look | None:
        return self.folder.last if self.folder else None

    @property
    def looked_since_sending(self) -> bool:
        """Only a look after the last file was sent finds that nothing is missing, and has the dataset closed."""
        looked_at = self.last.began if self.last else 0.0
        return all(dataset.sent_at <= looked_at for dataset in _datasets(self))

    def look_soon(self) -> None:
        self._wake.set()

    def _watch(self) -> None:
        identity = hashlib.sha256(f"watch {self.entry.identity} {self.entry.portal.url}".encode()).hexdigest()
        while not self._stop.is_set():
            try:
                # Entries with labels may share a folder within one process.
                claimed = [] if self.entry.label else [self.entry.path]
                with only_one(self._folders.locks, identity), only_one_on(self._folders.locks, claimed):
                    self._keep_looking()
            except AlreadyRunning as error:
                self._note(f"{self.entry.path} is watched or sent by another process: end one of the two.", error)
            except AgentError as error:
                self._note(error.sentence, error)
            except Exception as error:  # noqa: BLE001 one broken folder must not end the others unseen
                LOGGER.debug("watching %s broke off", self.entry.path, exc_info=True)
                self._note(f"Looking at {self.entry.path} broke off ({type(error).__name__}: {error}).", error)
            self.looks += 1
            self._stop.wait(10 * LOOK_EVERY)

    def _keep_looking(self) -> None:
        if self.folder is None:
            self.folder = WatchedFolder(self.entry, self._journal, self._requests, self._stop)
        wake_on_events(self.entry.path, self._wake, self._stop)
        while not self._stop.is_set():
            self._wake.clear()
            began = time.monotonic()
            try:
                look = self.folder.look()
            except Interrupted:
                return
            self._note(look.complaint, None)
            self.looks += 1
            took = time.monotonic() - began
            LOGGER.debug("looked at %s: %d files in %.2f s", self.entry.path, look.entries, took)
            rest = took / SHARE
            self._stop.wait(max(rest, LEAST_REST))
            self._wake.wait(max(LOOK_EVERY - max(rest, LEAST_REST), 0.0))

    def _note(self, sentence: str, error: Exception | None) -> None:
        if sentence and sentence != self.trouble:
            self._tell(sentence)
        elif self.trouble and not sentence:
            LOGGER.info("%s: all is well again", self.entry.path)
        self.trouble = sentence
        self.exit_code = error.exit_code if isinstance(error, AgentError) else Exit.OTHER if error else Exit.OK


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
        pairs = [(dataset, watch.entry) for watch in self._watches.values() for dataset in _datasets(watch)]
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
                sittings.stop_those_of(_datasets(watch))
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
        self.board.post([_standing(watch, may_send=may_send) for watch in self._watches.values()])
        self._stood_at = time.monotonic()

    def _look_after_sending(self) -> None:
        for watch in self._watches.values():
            if not watch.looked_since_sending:
                watch.look_soon()

    def _is_settled(self) -> bool:
        return all(
            ((watch.looks >= 2 and watch.looked_since_sending) or watch.exit_code)
            and (watch.last is None or len(watch.last.waiting) <= watch.last.held)
            and not any(dataset.needs_sending and not dataset.trouble for dataset in _datasets(watch))
            for watch in self._watches.values()
        )

    def _outcome(self) -> Exit:
        """The gravest: trouble of a dataset, a folder that cannot be watched, files that are not complete."""
        watches = self._watches.values()
        if any(dataset.trouble for watch in watches for dataset in _datasets(watch)):
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


def _datasets(watch: FolderWatch) -> list[WatchedDataset]:
    return watch.folder.shelf.under_way() if watch.folder else []


def _standing(watch: FolderWatch, *, may_send: bool) -> FolderStanding:
    datasets, last = _datasets(watch), watch.last
    counts = [dataset.counts() for dataset in datasets if dataset.needs_sending or dataset.feed]
    trouble = watch.trouble or next((dataset.trouble for dataset in datasets if dataset.trouble), "")
    state = FolderState.WATCHING if may_send else FolderState.PAUSED
    if trouble:
        state = FolderState.MISSING if last is not None and last.is_missing else FolderState.ERROR
    return FolderStanding(
        path=watch.entry.path,
        portal=watch.entry.portal.name,
        state=state,
        files_waiting=sum(count.of(*WAITING) for count in counts) + (len(last.waiting) if last else 0),
        bytes_waiting=sum(count.bytes_of(*WAITING) for count in counts) + (last.waiting_bytes if last else 0),
        datasets_open=len(datasets),
        message=trouble,
    )


def _version_of(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
