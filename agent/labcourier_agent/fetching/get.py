"""The command `get`: what a share link opens comes into a folder, each file verified, as often as it takes."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.digests import writing_digests
from labcourier_agent.exits import AgentError, BadUsage, Exit, NotFound, Refused, TryLater
from labcourier_agent.fetching.fetch_journal import FetchFailure, FetchJournal, Row
from labcourier_agent.fetching.fetch_progress import open_fetch_progress
from labcourier_agent.fetching.fetchers import Fetchers, Tally
from labcourier_agent.fetching.folder import Folder, LocalTrouble, NoRoomHere, OtherContent, Seen, local
from labcourier_agent.fetching.local_names import local_name
from labcourier_agent.fetching.manifest_lines import read_lines
from labcourier_agent.fetching.shared_portal import Shared, SharedFile, SharedPortal
from labcourier_agent.fetching.sources import Source
from labcourier_agent.filters import Filters
from labcourier_agent.interruption import heeding_signals
from labcourier_agent.lock import only_one_on
from labcourier_agent.patience import Patience
from labcourier_agent.portal_reader import a_few_times
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.report import gravest
from labcourier_agent.settings import Folders
from labcourier_agent.system import flush_to_disk
from labcourier_agent.wire import open_http

LOOK_EVERY = 0.2
FAILURES_TOLD = 1000
# Left free on the disk beside what is fetched.
SPARE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Wish:
    """`dest`: None for a folder named as the dataset, where the command is run.

    `transfers`: connections in all; `connections`: how many of them may bring one large file.
    """

    source: Source
    dest: Path | None
    filters: Filters = Filters()  # noqa: RUF009 it does not change
    transfers: int = 4
    connections: int = 4
    bandwidth: Bandwidth | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Fetched:
    """How a run ended. `files`, `bytes`: chosen; `verified`, `bytes_verified`: of them here; `fetched`: over the line.

    `told`: how many the portal knows as verified by now.
    """

    name: str
    dest: Path
    files: int
    bytes: int
    verified: int
    bytes_verified: int
    fetched: int
    told: int
    seconds: float
    failures: list[FetchFailure]
    failed: int
    exit_code: Exit
    error: str = ""
    manifest: Path | None = None

    def document(self) -> dict[str, Any]:
        return {
            "dataset": self.name,
            "dest": str(self.dest),
            "files": self.files,
            "bytes": self.bytes,
            "verified": self.verified,
            "bytes_verified": self.bytes_verified,
            "bytes_fetched": self.fetched,
            "told": self.told,
            "manifest": str(self.manifest) if self.manifest else None,
            "failed": [
                {"path": failure.path, "reason": failure.reason, "exit_code": int(failure.exit_code)}
                for failure in self.failures
            ],
            "failed_count": self.failed,
            "seconds": round(self.seconds, 3),
            "error": self.error or None,
            "exit_code": int(self.exit_code),
        }


def get(wish: Wish, folders: Folders) -> Fetched:
    """Errors: what prevents it from beginning. Once it has begun, trouble is in what is returned."""
    began = time.monotonic()
    with ExitStack() as stack:
        http = stack.enter_context(open_http(None, authorization=wish.source.authorization, connections=wish.transfers))
        portal = SharedPortal(http, wish.source)
        shared = _first_answer(portal)
        dest = (wish.dest or Path(local_name(shared.name))).absolute()
        stack.enter_context(only_one_on(folders.locks, [str(dest)]))
        journal = FetchJournal(_journal_path(folders, dest))
        stack.callback(journal.close)
        run = _Get(wish, dest, shared, portal, journal)
        error = run.heed()
        fetched = replace(run.outcome(error), seconds=time.monotonic() - began)
        if fetched.exit_code is Exit.OK and not journal.in_stretches():
            journal.remove()
        return fetched


def _first_answer(portal: SharedPortal) -> Shared:
    try:
        return a_few_times(portal.shared)
    except NotFound as error:
        raise Refused(error.sentence) from error


def _journal_path(folders: Folders, dest: Path) -> Path:
    return folders.state / "get" / f"{hashlib.sha256(str(dest.resolve()).encode()).hexdigest()[:32]}.sqlite3"


class _Get:
    """One run. What it knows is in the journal, so the next run goes on wherever this one ends."""

    def __init__(self, wish: Wish, dest: Path, shared: Shared, portal: SharedPortal, journal: FetchJournal) -> None:
        self._wish, self._dest, self._shared, self._portal, self._journal = wish, dest, shared, portal, journal
        self._stop = threading.Event()
        self._folder = Folder(dest, overwrite=wish.overwrite)
        self._tally = Tally()
        self._manifest: Path | None = None
        self._untold = ""

    def heed(self) -> AgentError | None:
        """Works until it is done or a signal comes; what ended it early."""
        try:
            heeding_signals(self._execute, self._stop.set)
        except AgentError as error:
            return error
        finally:
            self._stop.set()
        return None

    def outcome(self, error: AgentError | None) -> Fetched:
        files, size = self._journal.count()
        verified, bytes_verified = self._journal.count("whole", "settled")
        codes = [*self._journal.exit_codes(), *([error.exit_code] if error else [])]
        if not codes and not files:
            error = NotFound("There is nothing to fetch: no file of the dataset is chosen.")
            codes = [error.exit_code]
        if not codes and self._untold:
            codes = [Exit.TRY_LATER]
        return Fetched(
            name=self._shared.name,
            dest=self._dest,
            files=files,
            bytes=size,
            verified=verified,
            bytes_verified=bytes_verified,
            fetched=self._tally.fetched,
            told=self._journal.count_told(),
            seconds=0.0,
            failures=self._journal.failures(FAILURES_TOLD),
            failed=self._journal.count("failed")[0],
            exit_code=gravest(codes),
            error=error.sentence if error else self._untold,
            manifest=self._manifest,
        )

    def _execute(self) -> None:
        self._list()
        self._keep_lines()
        self._survey()
        fetchers = Fetchers(
            self._portal,
            self._journal,
            self._folder,
            self._shared.bundles,
            stop=self._stop,
            bandwidth=self._wish.bandwidth,
            connections=self._wish.connections,
        )
        self._tally = fetchers.tally
        try:
            self._fetch(fetchers)
        finally:
            self._settle()
        self._tell()

    def _list(self) -> None:
        """What the portal has, page by page into the journal. Errors: BadUsage when another dataset is here."""
        identity = f"{self._wish.source.root} {self._shared.name}"
        if (self._journal.fact("dataset") or identity) != identity:
            raise BadUsage(f"{self._dest} has an unfinished fetch of another dataset: choose another folder.")
        self._journal.note_fact("dataset", identity)
        number, patience = self._journal.begin_round(), Patience(self._stop, LOGGER.warning)
        cursor: str | None = ""
        while cursor is not None:
            files, cursor = patience.keep_trying(partial(self._page, cursor))
            chosen = (file for file in files if self._wish.filters.takes(file.path))
            self._journal.note_listed(chosen, number, self._shared.bundles.threshold)
        self._journal.end_round(number)
        for row in self._journal.outdated_stretches():
            self._folder.discard(row)
            self._journal.forget_stretches(row)

    def _page(self, cursor: str) -> tuple[list[SharedFile], str | None]:
        try:
            return self._portal.page(cursor)
        except NotFound as error:
            raise Refused(f"The link does not work any more. {error.sentence}") from error

    def _keep_lines(self) -> None:
        """An earlier fetch into the same folder has a list of digests there, perhaps of other files."""
        self._journal.forget_lines()
        manifest = self._dest / self._shared.manifest_name
        if manifest.exists():
            self._journal.note_lines(read_lines(manifest))

    def _survey(self) -> None:
        """What is here already, by name and size. Errors: NoRoomHere."""
        wanted, noted = 0, self._journal.in_stretches()
        for page in self._journal.rows("listed", "settled"):
            present: list[Row] = []
            absent: list[Row] = []
            for row in page:
                seen, have = self._look(row)
                if seen in (Seen.ABSENT, Seen.SHORTER):
                    absent.append(row)
                    wanted += row.size - noted.get((row.path, row.sha256), have)
                elif seen is Seen.LARGER and not self._wish.overwrite:
                    self._journal.note_failed(row, OtherContent.exit_code, "A larger file lies in its place here: "
                                              "move that away, or add --overwrite.")  # fmt: skip
                elif seen is Seen.LARGER:
                    absent.append(row)
                    wanted += row.size
                elif seen is Seen.SAME_SIZE or row.state != "settled":
                    present.append(row)
            self._journal.note("wanted", absent)
            self._journal.note("present", present)
        if (room := self._folder.room()) < wanted + SPARE:
            raise NoRoomHere(
                f"{in_words(wanted)} are to be fetched, and {self._dest} has room for {in_words(room)}: make room, or "
                "choose another folder."
            )

    def _look(self, row: Row) -> tuple[Seen, int]:
        try:
            return self._folder.look(row)
        except LocalTrouble as trouble:
            LOGGER.debug("%s", trouble.sentence)
            return Seen.ABSENT, 0  # writing there will say what is wrong

    def _fetch(self, fetchers: Fetchers) -> None:
        files, size = self._journal.count()
        before, bytes_before = self._journal.count("settled")
        with open_fetch_progress(files, size, before, bytes_before) as progress:
            fetchers.start(self._wish.transfers)
            while not fetchers.wait(LOOK_EVERY):
                progress.show(fetchers.tally)

    def _settle(self) -> None:
        """Surely on the disk, then listed; only after that may anybody be told."""
        with local(str(self._dest)):
            flush_to_disk(str(self._folder.target(row)) for page in self._journal.rows("whole") for row in page)
        self._journal.settle()
        for page in self._journal.rows("settled"):
            self._journal.note_lines((local_name(row.path), row.sha256) for row in page)
        manifest = self._dest / self._shared.manifest_name
        with writing_digests(str(manifest)) as digests:
            for name, sha256 in self._journal.lines():
                digests.add(name, sha256)
        self._manifest = manifest

    def _tell(self) -> None:
        """The portal hears what is verified; that it cannot be told makes nothing here wrong."""
        if not self._wish.source.keeps_receipts:
            return
        try:
            for rows in self._untold_pages():
                digests = [(row.path, row.sha256) for row in rows]
                a_few_times(partial(self._portal.tell_verified, digests))
                self._journal.note_told(rows)
        except (TryLater, NotFound) as trouble:
            self._untold = f"Everything is here, but the portal could not be told: {trouble.sentence}"

    def _untold_pages(self) -> Iterator[list[Row]]:
        while rows := self._journal.untold():
            yield rows
