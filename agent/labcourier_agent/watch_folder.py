"""Looking at one watched folder: which files are complete and new, and which datasets are."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from labcourier_agent.clock import steady_now
from labcourier_agent.close_requests import CloseRequests
from labcourier_agent.completeness import Judge, parent_of
from labcourier_agent.config import FolderEntry
from labcourier_agent.exits import BadUsage, Interrupted, NotFound
from labcourier_agent.journal import Journal
from labcourier_agent.portal_client import BATCH
from labcourier_agent.progress import LOGGER
from labcourier_agent.rules import PerDay, day_of
from labcourier_agent.scan import Found, LeftOut, Selection, look_through
from labcourier_agent.watch_dataset import WatchedDataset, marker_of
from labcourier_agent.watch_memory import mark_of
from labcourier_agent.watch_shelf import Shelf


@dataclass
class Look:
    """What one look found. `waiting`: since when versions that are not complete are as they are, by their marks."""

    began: float
    judge: Judge
    ending: set[str]
    waiting: dict[int, float] = field(default_factory=dict)
    waiting_bytes: int = 0
    held: int = 0
    strays: int = 0
    entries: int = 0
    unsettled: set[str] = field(default_factory=set)
    newest: dict[str, int] = field(default_factory=dict)
    complaint: str = ""
    is_missing: bool = False


class WatchedFolder:
    """Used by one thread; `last` and the shelf's datasets may be read by others."""

    def __init__(self, entry: FolderEntry, journal: Journal, requests: CloseRequests, stop: threading.Event) -> None:
        self.entry = entry
        self.shelf = Shelf(entry, journal)
        self.last: Look | None = None
        self._requests = requests
        self._stop = stop
        self._selection = Selection(entry.filters, entry.links)
        self._waiting: dict[int, float] = {}
        self._newest: dict[str, int] = {}
        self._said: set[str] = set()

    def look(self) -> Look:
        """Notes what is complete in its datasets, and begins to close those that are. Errors: AgentError."""
        for dataset in self.shelf.drop_ended():
            self._requests.drop(dataset.row.client_key)
        now = steady_now()
        judge = Judge(self.entry.complete, lambda folder: self._newest.get(folder, 0))
        look = Look(now, judge, {dataset.key for dataset in self.shelf.under_way() if self._is_ending(dataset, now)})
        if not Path(self.entry.path).is_dir():
            return self._miss(look, f"{self.entry.path} is not there: mounted? It is looked for again.")
        try:
            self._walk(look)
        except NotFound as error:
            return self._miss(look, error.sentence)
        if not look.entries and self.shelf.under_way() and self._is_empty():
            return self._miss(look, f"{self.entry.path} is empty, where files were: mounted? It is looked for again.")
        self._close_complete(look)
        self.shelf.end_look()
        self._waiting, self._newest, self.last = look.waiting, look.newest, look
        return look

    def _is_empty(self) -> bool:
        with os.scandir(self.entry.path) as entries:
            return next(entries, None) is None

    def _walk(self, look: Look) -> None:
        ready: dict[str, list[Found]] = defaultdict(list)
        for entry in look_through([self.entry.path], selection=self._selection):
            look.entries += 1
            if isinstance(entry, LeftOut):
                self._note_left_out(look, entry)
                continue
            key = self._weigh(look, entry, ready)
            if key is not None and len(ready[key]) >= BATCH:
                self._put_away(look, key, ready.pop(key))
        for key, founds in ready.items():
            self._put_away(look, key, founds)

    def _weigh(self, look: Look, found: Found, ready: dict[str, list[Found]]) -> str | None:
        """Returns the key of a file that is complete and not known, now in `ready`."""
        path, signature = found.path, found.signature
        share = self.entry.rule.share_of(path, signature.mtime_ns)
        if self.entry.complete.newer:
            folder = parent_of(found.source)
            look.newest[folder] = max(look.newest.get(folder, 0), signature.mtime_ns)
        if share is None:
            look.strays += 1
            return None
        key = share.key
        mark = mark_of(share.path, signature)
        if self.shelf.memory(key).knows(mark) or (self.entry.ignores_late and self.shelf.has_ended(key)):
            return None
        dataset = self.shelf.dataset(key)
        if dataset is not None and dataset.closing:
            return None
        since = self._since(look, mark, dataset)
        look.unsettled.add(key)
        unchanged = look.began - since
        ending = key in look.ending or (dataset is None and self._ends_with_first(key, unchanged))
        if look.judge.is_complete(found, self._home(key), unchanged_for=unchanged, ending=ending):
            ready[key].append(Found(found.source, share.path, signature))
            return key
        look.waiting[mark] = since
        look.waiting_bytes += signature.size
        look.held += unchanged >= self.entry.complete.stable
        return None

    def _since(self, look: Look, mark: int, dataset: WatchedDataset | None) -> float:
        since = self._waiting.get(mark)
        if since is None:
            since = look.began
            if dataset is not None:
                dataset.last_change = look.began
        return since

    def _put_away(self, look: Look, key: str, founds: list[Found]) -> None:
        if self._stop.is_set():
            raise Interrupted
        try:
            known = self.shelf.put_away(key, founds)
        except BadUsage as error:
            look.complaint, known = error.sentence, set()
        memory = self.shelf.memory(key)
        for found in founds:
            mark = mark_of(found.path, found.signature)
            if mark in known:
                memory.learn(mark)
            else:
                look.waiting[mark] = self._waiting.get(mark, look.began)

    def _note_left_out(self, look: Look, left_out: LeftOut) -> None:
        if left_out.serious:
            look.complaint = look.complaint or left_out.reason
            share = self.entry.rule.share_of(left_out.path, 0)
            unclear = isinstance(self.entry.rule, PerDay) or left_out.path == "/"
            keys = {dataset.key for dataset in self.shelf.under_way()} if unclear else {share.key} if share else set()
            look.unsettled |= keys
        if left_out.reason not in self._said and len(self._said) < BATCH:
            self._said.add(left_out.reason)
            LOGGER.warning("%s", left_out.reason)

    def _close_complete(self, look: Look) -> None:
        """What was to end before this look, and in which this look found nothing that is still to be sent."""
        for dataset in self.shelf.under_way():
            if dataset.key in look.ending - look.unsettled and not dataset.closing and steady_now() >= dataset.due_at:
                LOGGER.info("%s: “%s” is complete", self.entry.path, dataset.row.plan.title)
                dataset.close()

    def _is_ending(self, dataset: WatchedDataset, now: float) -> bool:
        close = self.entry.close
        if self._requests.has(dataset.row.client_key):
            return True
        if self._is_marked(dataset.key):
            return True
        is_today = isinstance(self.entry.rule, PerDay) and dataset.key == day_of(time.time_ns())
        return close.idle is not None and not is_today and now - dataset.last_change >= close.idle

    def _ends_with_first(self, key: str, unchanged: float) -> bool:
        """Without this, the only file of a dataset would wait for a newer one for ever."""
        idle = self.entry.close.idle
        return self.entry.complete.newer and (self._is_marked(key) or (idle is not None and unchanged >= idle))

    def _is_marked(self, key: str) -> bool:
        return bool(self.entry.close.marker) and Path(self._home(key), marker_of(self.entry, key)).exists()

    def _home(self, key: str) -> str:
        return str(Path(self.entry.path, self.entry.rule.home(self.entry.rule.values(key))))

    def _miss(self, look: Look, sentence: str) -> Look:
        """A share that is away says nothing about its files: what was seen stays known, and nobody is idle."""
        look.is_missing, look.complaint = True, sentence
        for dataset in self.shelf.under_way():
            dataset.last_change = look.began
        look.waiting = self._waiting
        self.last = look
        return look
