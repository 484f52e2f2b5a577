"""One dataset that a watched folder fills: begun with its first complete file, open until its close rule is met."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labcourier_agent.clock import steady_now
from labcourier_agent.config import FolderEntry
from labcourier_agent.details import fill
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.plan import Plan
from labcourier_agent.records import Counts
from labcourier_agent.scan import Found
from labcourier_agent.stock import Stock
from labcourier_agent.watch_memory import journaled_marks

# A sitting waits so long for more before it ends: to begin one costs a few questions to the portal.
LINGER = 5.0
FIRST_PAUSE = 30.0
LONGEST_PAUSE = 3600.0
WAITING = ("found", "announced", "sending", "sent", "stated")


class Feed:
    """An Intake that others fill: tells a run what came meanwhile, and when it may end."""

    def __init__(self, *, closes: bool) -> None:
        self.over = False
        self.looked = False
        self._closes = closes
        self._lock = threading.Lock()
        self._news = Stock()
        self._quiet_since: float | None = None

    @property
    def closes(self) -> bool:
        return self._closes

    def bring(self, changed: int, stale_uploads: Sequence[str]) -> None:
        with self._lock:
            self._news.changed += changed
            self._news.stale_uploads += stale_uploads

    def close(self) -> None:
        self._closes = True

    def is_due(self, *, quiet: bool) -> bool:
        return not self.over

    def look(self, ledger: Ledger, *, quiet: bool, say: Callable[[str], None]) -> Stock:
        with self._lock:
            news, self._news = self._news, Stock()
        self.looked = True
        if not quiet or news.changed:
            self._quiet_since = None
            return news
        now = time.monotonic()
        self._quiet_since = self._quiet_since or now
        self.over = self._closes or now - self._quiet_since >= LINGER
        return news

    def left_over(self, ledger: Ledger) -> int:
        return 0


class WatchedDataset:
    """Noted into by the thread of its folder, sent by another. `closing`: it takes no more, and is being closed.

    `due_at`: when it may be sent again after trouble; `served_at`: when that was last begun; `sent_at`: when it last
    ended; `last_change` is about its files. All in steady seconds.
    """

    def __init__(self, journal: Journal, row: DatasetRow) -> None:
        self.row = row
        self.ledger = Ledger(journal, row.id)
        self.feed: Feed | None = None
        self.closing = False
        self.needs_sending = True
        self.trouble = ""
        self.due_at = 0.0
        self.served_at = 0.0
        self.sent_at = 0.0
        self.last_change = steady_now()
        self._pause = FIRST_PAUSE
        self._journal = journal
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        return self.row.plan.key

    def take(self, founds: Sequence[Found]) -> set[int]:
        """Of at most 1000 files, notes what is new or changed. Returns the marks of what the journal has now.

        What is being sent at this moment stays as it is there, and is to be brought again. Errors: BadUsage.
        """
        differences = self.ledger.differences(founds)
        if differences:
            # They have waited enough: not even the start of a run lets them settle again.
            self.ledger.note(differences, ready_at=0.0)
            self._bring(
                len(differences), [difference.upload_url for difference in differences if difference.upload_url]
            )
        return journaled_marks(self._journal, self.row.id, [found.path for found in founds])

    def close(self) -> None:
        with self._lock:
            self.closing = self.needs_sending = True
            if self.feed is not None:
                self.feed.close()

    def begin_sitting(self) -> Feed:
        with self._lock:
            self.needs_sending = False
            self.feed = Feed(closes=self.closing)
            return self.feed

    def end_sitting(self, trouble: str, *, again: bool) -> None:
        """`again`: it was interrupted, and goes on when there is time. With `trouble` it pauses, longer each time."""
        with self._lock:
            self.feed, self.trouble, self.sent_at = None, trouble, steady_now()
            self.needs_sending = self.needs_sending or again or bool(trouble)
            self.closing = self.closing and again
            self.due_at = steady_now() + self._pause if trouble else 0.0
            self._pause = min(self._pause * 2, LONGEST_PAUSE) if trouble else FIRST_PAUSE

    def forget_trouble(self) -> None:
        self.due_at, self._pause = 0.0, FIRST_PAUSE

    def counts(self) -> Counts:
        return self.ledger.counts()

    def _bring(self, changed: int, stale_uploads: Sequence[str]) -> None:
        with self._lock:
            self.last_change = steady_now()
            self.needs_sending = self.needs_sending or self.feed is None or self.feed.over
            if self.feed is not None:
                self.feed.bring(changed, stale_uploads)


def begin_plan(entry: FolderEntry, key: str, generation: int) -> Plan:
    """What the portal is told of a dataset with this key. The generation counts those after an earlier one closed."""
    fields, _ = _fields(entry, key)
    if generation > 1:
        fields["title"] += f" ({generation})"
        fields["description"] = f"{fields['description']} What came after the dataset before was closed.".strip()
    return Plan(
        portal=entry.portal.name,
        portal_url=entry.portal.url,
        project=entry.portal.project,
        sources=(entry.path,),
        key=key,
        entry=entry.identity,
        generation=generation,
        **fields,
    )


def wrong_recipients(entry: FolderEntry, key: str) -> str:
    return ", ".join(_fields(entry, key)[1])


def marker_of(entry: FolderEntry, key: str) -> str:
    return fill(entry.close.marker, entry.rule.values(key))


def _fields(entry: FolderEntry, key: str) -> tuple[dict[str, Any], list[str]]:
    folder = _name_of(entry.path)
    values: Mapping[str, str] = {"folder": folder, **entry.rule.values(key)}
    return entry.details.fill(values, title=entry.rule.title(values, folder))


def _name_of(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or path
