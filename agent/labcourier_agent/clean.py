"""The command `clean`: removes files here that the portal has verified, and nothing else.

Each file has to pass every question of `Cleaning._examine`: cheap ones first, reading the file last. The portal is
asked anew; the journal only says which file here became which one there, and what it looked like then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from labcourier_agent.compare import name_key
from labcourier_agent.durations import span_in_words
from labcourier_agent.exits import Exit, NotFound, SourceTrouble, SourceUnreadable
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.names_windows import exact
from labcourier_agent.portal_client import BATCH, PortalFile
from labcourier_agent.portal_reader import PortalReader
from labcourier_agent.progress import LOGGER
from labcourier_agent.records import FileRow
from labcourier_agent.removal import is_within, look_below, remove
from labcourier_agent.settings import Portal, Portals
from labcourier_agent.source import Signature, hash_file
from labcourier_agent.wire import open_http

# The states in which the portal holds the bytes and will go on holding them for a while.
KEPT_AT_PORTAL = {"open", "closed", "released"}
COLUMNS = ("result", "path", "size", "dataset", "note")


@dataclass(frozen=True)
class CleanRule:
    """`older_than`: seconds since a file was last changed, and since it became safe to delete.

    `under`: only files in these folders, or these files; empty: all. `per_file`: a verified file need not wait for the
    rest of its dataset. `trust_times`: do not read the files again.
    """

    older_than: float
    under: tuple[str, ...] = ()
    per_file: bool = False
    trust_times: bool = False


@dataclass(frozen=True)
class Cleaned:
    """One file. `result`: removed, would_remove, gone, or kept, with the reason in `note`. Size in bytes."""

    result: str
    path: str
    size: int
    dataset: str
    note: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Case:
    """A dataset with its name at the portal, and since when it is safe to delete here, in seconds since 1970."""

    dataset: DatasetRow
    name: str
    safe_since: float | None


class Kept(Exception):
    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class CleanTally:
    def __init__(self) -> None:
        self.files: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.troubles = 0

    @property
    def exit_code(self) -> Exit:
        return Exit.FINDINGS if self.troubles else Exit.OK

    def note(self, cleaned: Cleaned) -> Cleaned:
        self.files[cleaned.result] += 1
        self.bytes[cleaned.result] += cleaned.size
        return cleaned

    def document(self) -> dict[str, Any]:
        return {"counts": dict(self.files), "bytes": dict(self.bytes), "troubles": self.troubles}


class Cleaning:
    """One look through all datasets of the journal. `really`: remove; else only tell what would be removed."""

    def __init__(
        self, journal: Journal, portals: Portals, rule: CleanRule, tally: CleanTally, *, really: bool, now: float
    ) -> None:
        self.tally = tally
        self._journal = journal
        self._portals = portals
        self._rule = rule
        self._really = really
        self._now = now

    def run(self) -> Iterator[Cleaned]:
        """Errors: Unreachable, AccessRefused and others when a portal does not answer: then nothing more is removed."""
        with ExitStack() as stack:
            readers: dict[str, PortalReader] = {}
            for dataset in self._journal.datasets(-1):
                if dataset.portal_id is None or not self._concerns(dataset):
                    continue
                portal = _portal_of(dataset, self._portals)
                if portal is None:
                    LOGGER.warning("%s: its portal is not connected any more, so its files stay.", dataset.plan.title)
                    continue
                if portal.name not in readers:
                    http = stack.enter_context(open_http(portal.token))
                    readers[portal.name] = PortalReader(http, portal)
                for cleaned in self._clean_dataset(dataset, dataset.portal_id, readers[portal.name]):
                    yield self.tally.note(cleaned)

    def _concerns(self, dataset: DatasetRow) -> bool:
        under = self._rule.under
        return not under or any(
            is_within(source, top) or is_within(top, source) for source in dataset.plan.sources for top in under
        )

    def _clean_dataset(self, dataset: DatasetRow, portal_id: str, reader: PortalReader) -> Iterator[Cleaned]:
        try:
            answer = reader.dataset(portal_id)
        except NotFound:
            LOGGER.warning("%s: the portal has no such dataset any more, so its files stay.", dataset.plan.title)
            return
        case = Case(dataset, str(answer["name"]), _moment(answer.get("safe_to_delete_since")))
        if answer["state"] not in KEPT_AT_PORTAL or (case.safe_since is None and not self._rule.per_file):
            LOGGER.info("%s: not safe to delete: %s.", case.name, _not_yet(answer))
            return
        for batch in self._verified(dataset):
            there = {name_key(file.path): file for file in reader.query(portal_id, [row.portal_path for row in batch])}
            needed = self._still_needed(batch, dataset)
            for row in batch:
                yield self._clean(row, there.get(name_key(row.portal_path)), case, needed)

    def _verified(self, dataset: DatasetRow) -> Iterator[list[FileRow]]:
        """What the journal takes for verified and the rule concerns, a batch at a time."""
        after = 0
        statement = "SELECT * FROM files WHERE dataset = ? AND state = 'verified' AND id > ? ORDER BY id LIMIT ?"
        while rows := [FileRow.read(row) for row in self._journal.execute(statement, (dataset.id, after, BATCH))]:
            after = rows[-1].id
            yield [row for row in rows if self._is_meant(row.source)]

    def _is_meant(self, source: str) -> bool:
        return not self._rule.under or any(is_within(source, top) for top in self._rule.under)

    def _still_needed(self, batch: Sequence[FileRow], dataset: DatasetRow) -> set[str]:
        """Files that another dataset, which is under way, has not got to the portal yet."""
        marks = ", ".join("?" * len(batch))
        rows = self._journal.execute(
            "SELECT source FROM files JOIN datasets ON datasets.id = files.dataset"  # noqa: S608 only marks are put in
            " WHERE datasets.ended_at IS NULL AND datasets.id <> ? AND files.state <> 'verified'"
            f" AND source IN ({marks})",
            (dataset.id, *(row.source for row in batch)),
        )
        return {str(row["source"]) for row in rows}

    def _examine(self, row: FileRow, there: PortalFile | None, case: Case, needed: set[str]) -> Signature:
        """What is to be removed. Errors: Kept with the reason why not; SourceTrouble, which is a reason as well."""
        if there is None or there.state != "verified" or not row.sha256 or there.sha256 != row.sha256:
            raise Kept("The portal does not have this content as verified.")
        if row.source in needed:
            raise Kept("Another dataset that is under way still needs it.")
        found = look_below(case.dataset.plan.sources, row.source)
        if (found.size, found.mtime_ns) != (row.signature.size, row.signature.mtime_ns):
            raise Kept("It changed since it was sent.")
        age = self._now - max(found.mtime_ns / 1e9, case.safe_since or row.sent_at)
        if age < self._rule.older_than:
            raise Kept(f"Not old enough: {span_in_words(age)}.")
        # Another file id proves nothing on file systems that number anew at each mount: then the content decides.
        if not self._rule.trust_times and hash_file(exact(row.source), found) != row.sha256:
            raise Kept("Its content changed since it was sent.")
        if self._rule.trust_times and found.file_id != row.signature.file_id:
            raise Kept("It is another file than the one that was sent.")
        return found

    def _clean(self, row: FileRow, there: PortalFile | None, case: Case, needed: set[str]) -> Cleaned:
        told = Cleaned("kept", row.source, row.signature.size, case.name)
        try:
            found = self._examine(row, there, case, needed)
            if not self._really:
                return replace(told, result="would_remove")
            remove(case.dataset.plan.sources, row.source, found)
        except Kept as kept:
            return replace(told, note=kept.sentence)
        except SourceTrouble as trouble:
            if isinstance(trouble, SourceUnreadable) and trouble.gone:
                return replace(told, result="gone")
            self.tally.troubles += 1
            return replace(told, note=trouble.sentence)
        LOGGER.info("removed %s (%d bytes, sha256 %s, verified in %s)", row.source, found.size, row.sha256, case.name)
        return replace(told, result="removed")


def _portal_of(dataset: DatasetRow, portals: Portals) -> Portal | None:
    wanted = (dataset.plan.portal_url, dataset.plan.project)
    return next((portal for portal in portals.known if (portal.url, portal.project) == wanted), None)


def _moment(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _not_yet(answer: dict[str, Any]) -> str:
    if answer["state"] not in KEPT_AT_PORTAL:
        return f"it is {answer['state']} at the portal"
    counts = answer["counts"]
    return f"it is {answer['state']}, {counts['verified']} of {counts['expected']} files are verified"
