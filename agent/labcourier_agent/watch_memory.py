"""What is known of a dataset's files, small enough to be held for months: a number for each file, not its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.source import Signature

PAGE = 10_000


def mark_of(path: str, signature: Signature) -> int:
    """64 bits of a version of a file. Two versions with one mark: once in 10^14 files."""
    return hash((path, signature))


class KeyMemory:
    """Versions that need no more thought, of the files with one key.

    Once its dataset has ended, `rest` leaves nothing but a sum over all its files. A look that comes to another sum
    wakes it: what is known is then to be learnt again from the journal.
    """

    def __init__(self, known: set[int], *, ended: bool) -> None:
        self._known: set[int] | None = known
        self._seen: set[int] = set()
        self._ended = ended
        self._sum = self._count = 0
        self._rest: tuple[int, int] | None = None

    def knows(self, mark: int) -> bool:
        self._sum = (self._sum + mark) & 0xFFFFFFFFFFFFFFFF
        self._count += 1
        if self._known is None:
            return True
        if mark in self._known:
            self._seen.add(mark)
            return True
        return False

    def learn(self, mark: int) -> None:
        self._seen.add(mark)

    @property
    def is_at_rest(self) -> bool:
        return self._known is None

    def end_look(self) -> bool:
        """Versions that are no more are forgotten. Returns whether it has to be loaded anew from the journal."""
        look, woken = (self._sum, self._count), False
        if self._known is None:
            woken = look != self._rest
        elif self._ended and len(self._seen) == self._count:
            self._known, self._rest = None, look
        else:
            self._known = self._seen
        self._seen, self._sum, self._count = set(), 0, 0
        return woken


def known_marks(journal: Journal, datasets: Sequence[DatasetRow]) -> set[int]:
    """Of datasets that have ended only what was verified counts; of one under way all it has heard of."""
    known: set[int] = set()
    for dataset in datasets:
        states = "= 'verified'" if dataset.ended_at is not None else "NOT IN ('failed', 'withdrawn')"
        known.update(_marks(journal, dataset.id, states))
    return known


def journaled_marks(journal: Journal, dataset: int, paths: Sequence[str]) -> set[int]:
    """Of at most 1000 paths, the versions that the journal has."""
    marks = ", ".join("?" * len(paths))
    rows = journal.execute(
        f"SELECT path, size, mtime_ns, file_id FROM files WHERE dataset = ? AND path IN ({marks})",  # noqa: S608
        (dataset, *paths),
    )
    return {mark_of(path, Signature(size, mtime_ns, file_id)) for path, size, mtime_ns, file_id in rows}


def _marks(journal: Journal, dataset: int, states: str) -> Iterator[int]:
    after = 0
    while rows := journal.execute(
        f"SELECT id, path, size, mtime_ns, file_id FROM files WHERE dataset = ? AND id > ? AND state {states}"  # noqa: S608
        " ORDER BY id LIMIT ?",
        (dataset, after, PAGE),
    ):
        for _, path, size, mtime_ns, file_id in rows:
            yield mark_of(path, Signature(size, mtime_ns, file_id))
        after = rows[-1]["id"]
