"""The datasets of one watched folder, by their keys: those under way, and what is known of those that ended."""

from __future__ import annotations

import threading
from dataclasses import replace

from labcourier_agent.config import FolderEntry
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.progress import LOGGER
from labcourier_agent.rules import PerDay
from labcourier_agent.scan import Found
from labcourier_agent.watch_dataset import WatchedDataset, begin_plan, wrong_recipients
from labcourier_agent.watch_memory import KeyMemory, known_marks


class Shelf:
    """`under_way` may be asked by other threads."""

    def __init__(self, entry: FolderEntry, journal: Journal) -> None:
        self._entry = entry
        self._journal = journal
        self._lock = threading.Lock()
        self._under_way: dict[str, WatchedDataset] = {}
        self._memories: dict[str, KeyMemory] = {}
        self._generations: dict[str, int] = {}
        for row in journal.under_way():
            if row.plan.entry == entry.identity and self._is_here(row):
                self._under_way[row.plan.key] = WatchedDataset(journal, row)

    def under_way(self) -> list[WatchedDataset]:
        with self._lock:
            return list(self._under_way.values())

    def dataset(self, key: str) -> WatchedDataset | None:
        return self._under_way.get(key)

    def has_ended(self, key: str) -> bool:
        """Whether one with this key came to its end, and no other has begun since."""
        return self._generations.get(key, 0) > 0 and key not in self._under_way

    def memories(self) -> list[KeyMemory]:
        return list(self._memories.values())

    def memory(self, key: str) -> KeyMemory:
        memory = self._memories.get(key)
        if memory is None:
            memory = self._memories[key] = self._load(key)
        return memory

    def put_away(self, key: str, founds: list[Found]) -> set[int]:
        """Notes complete files in their dataset, which is begun when there is none. Returns the marks that are known.

        Errors: AgentError.
        """
        known: set[int] = set()
        if isinstance(self._entry.rule, PerDay):
            founds = self._bring_home(key, founds, known)
        if founds:
            known |= (self._under_way.get(key) or self._begin(key)).take(founds)
        return known

    def drop_ended(self) -> list[WatchedDataset]:
        """What has ended leaves nothing behind but the numbers of its files."""
        dropped = []
        for dataset in self.under_way():
            if dataset.feed is None and not self._journal.is_under_way(dataset.row.id):
                with self._lock:
                    del self._under_way[dataset.key]
                self._memories.pop(dataset.key, None)
                dropped.append(dataset)
        return dropped

    def end_look(self) -> None:
        for key in [key for key, memory in self._memories.items() if memory.end_look()]:
            del self._memories[key]

    def _bring_home(self, key: str, founds: list[Found], known: set[int]) -> list[Found]:
        """A file that was changed on a later day stays in the dataset it is in, as long as that is open."""
        for dataset in self.under_way():
            if dataset.key != key and not dataset.closing and founds:
                at_home = dataset.ledger.known_paths([found.path for found in founds])
                known |= dataset.take([found for found in founds if found.path in at_home]) if at_home else set()
                founds = [found for found in founds if found.path not in at_home]
        return founds

    def _begin(self, key: str) -> WatchedDataset:
        generation = self._generations.get(key, 0) + 1
        row = self._journal.begin(begin_plan(self._entry, key, generation))
        dataset = WatchedDataset(self._journal, row)
        self._generations[key] = generation
        with self._lock:
            self._under_way[key] = dataset
        LOGGER.info("%s: a new dataset, “%s”", self._entry.path, row.plan.title)
        wrong = wrong_recipients(self._entry, key)
        if wrong:
            LOGGER.warning("“%s” goes without these recipients, no e-mail address: %s", row.plan.title, wrong)
        return dataset

    def _load(self, key: str) -> KeyMemory:
        rows = self._rows(key)
        self._generations[key] = len(rows)
        ended = bool(rows) and rows[-1].ended_at is not None
        return KeyMemory(known_marks(self._journal, rows), ended=ended)

    def _rows(self, key: str) -> list[DatasetRow]:
        """All datasets that this key ever had here, oldest first."""
        plan = begin_plan(self._entry, key, 1)
        rows: list[DatasetRow] = []
        while row := self._journal.latest(replace(plan, generation=len(rows) + 1)):
            rows.append(row)
        return rows

    def _is_here(self, row: DatasetRow) -> bool:
        portal = self._entry.portal
        return (row.plan.portal_url, row.plan.project) == (portal.url, portal.project)
