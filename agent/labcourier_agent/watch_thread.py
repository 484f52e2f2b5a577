"""One folder of `watch`, looked at by a thread of its own: a share that hangs holds up nobody else."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from labcourier_agent.close_requests import CloseRequests
from labcourier_agent.config import FolderEntry
from labcourier_agent.exits import AgentError, AlreadyRunning, Exit, Interrupted
from labcourier_agent.journal import Journal
from labcourier_agent.lock import only_one, only_one_on
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Folders
from labcourier_agent.watch_dataset import WAITING, WatchedDataset
from labcourier_agent.watch_folder import Look, WatchedFolder
from labcourier_agent.watch_standing import FolderStanding, FolderState
from labcourier_agent.watch_wake import wake_on_events

LOOK_EVERY = 1.0
# A look takes at most this part of the time, however many files there are.
SHARE = 0.1
# Seconds between two looks, however many events there are.
LEAST_REST = 0.1


class FolderWatch:
    """Begins with `start`; `trouble` is a sentence while something is wrong."""

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
    def datasets(self) -> list[WatchedDataset]:
        return self.folder.shelf.under_way() if self.folder else []

    @property
    def looked_since_sending(self) -> bool:
        """Only a look after the last file was sent finds that nothing is missing, and has the dataset closed."""
        looked_at = self.last.began if self.last else 0.0
        return all(dataset.sent_at <= looked_at for dataset in self.datasets)

    def look_soon(self) -> None:
        self._wake.set()

    def standing(self, *, may_send: bool) -> FolderStanding:
        datasets, last = self.datasets, self.last
        counts = [dataset.counts() for dataset in datasets if dataset.needs_sending or dataset.feed]
        trouble = self.trouble or next((dataset.trouble for dataset in datasets if dataset.trouble), "")
        state = FolderState.WATCHING if may_send else FolderState.PAUSED
        if trouble:
            state = FolderState.MISSING if last is not None and last.is_missing else FolderState.ERROR
        return FolderStanding(
            path=self.entry.path,
            portal=self.entry.portal.name,
            state=state,
            files_waiting=sum(count.of(*WAITING) for count in counts) + (len(last.waiting) if last else 0),
            bytes_waiting=sum(count.bytes_of(*WAITING) for count in counts) + (last.waiting_bytes if last else 0),
            datasets_open=len(datasets),
            message=trouble,
        )

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
