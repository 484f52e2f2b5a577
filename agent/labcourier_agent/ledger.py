"""The files of one dataset, in the journal.

found → announced → sending → sent → stated → verified, or failed. `found`: seen here, may not be ready yet.
`announced`: the portal expects it. `sent`: all bytes are at the portal. `stated`: and so is the digest.
Members of a bundle go from `found` to `sending` to `stated`, see bundles.py.
A file that changes goes back to `found`; one that is corrupt at the portal goes back to `announced`.
One that vanished after it was announced is `withdrawn`: the dataset is complete without it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from labcourier_agent.exits import AgentError, BadUsage, SourceTrouble
from labcourier_agent.journal import Journal
from labcourier_agent.packing import MANIFEST
from labcourier_agent.portal_client import BATCH, PortalFile
from labcourier_agent.records import Counts, Difference, Failure, Fault, FileRow
from labcourier_agent.scan import Found, LeftOut
from labcourier_agent.source import Signature, hash_file

# A file the portal finds corrupt is sent this many more times.
RESENDS = 3


class Ledger:
    """Thread-safe, as the journal is. Times are seconds since 1970."""

    def __init__(self, journal: Journal, dataset: int) -> None:
        self._journal = journal
        self._dataset = dataset

    def resume(self, *, closed: bool, now: float, stable: float) -> None:
        """After a start: what was under way is asked about again, what failed is tried again.

        Times of an earlier process say nothing when the clock was moved since: all waiting begins anew.
        """
        self.clear_unlisted()
        # A closed dataset takes no announcements, only corrupt files again: those count as resent, see FileUpload.
        state, resends = ("announced", 1) if closed else ("found", 0)
        with self._journal.transaction():
            self._journal.execute(
                "UPDATE bundles SET state = 'waiting' WHERE dataset = ? AND state = 'sending'", (self._dataset,)
            )
            self._journal.execute(
                "UPDATE files SET state = ?, resends = ?, changes = 0, fault = NULL, reason = NULL"
                " WHERE dataset = ? AND state IN ('announced', 'sending', 'failed') AND bundle IS NULL",
                (state, resends, self._dataset),
            )
            self._journal.execute(
                "UPDATE files SET ready_at = ? WHERE dataset = ? AND state = 'found' AND ready_at > 0",
                (now + stable, self._dataset),
            )
            self._journal.execute(
                "UPDATE files SET sent_at = ? WHERE dataset = ? AND state IN ('sent', 'stated')", (now, self._dataset)
            )

    def begin_anew(self) -> None:
        """The portal has nothing of all this any more."""
        with self._journal.transaction():
            self._journal.execute("DELETE FROM bundles WHERE dataset = ?", (self._dataset,))
            self._journal.execute(
                "UPDATE files SET state = 'found', portal_path = NULL, upload_url = NULL, bundle = NULL, singly = 0"
                " WHERE dataset = ?",
                (self._dataset,),
            )

    def note_at_portal(self, pages: Iterable[Sequence[PortalFile]]) -> None:
        """The verified files of the portal, for `set_back_missing`. They stay on the disk, however many they are."""
        self._journal.execute(
            "CREATE TEMP TABLE IF NOT EXISTS at_portal"
            " (dataset INTEGER, path TEXT, sha256 TEXT, PRIMARY KEY (dataset, path))"
        )
        self._journal.execute("DELETE FROM temp.at_portal WHERE dataset = ?", (self._dataset,))
        for page in pages:
            rows = [(self._dataset, file.path, file.sha256) for file in page]
            self._journal.execute_many("INSERT OR REPLACE INTO temp.at_portal VALUES (?, ?, ?)", rows)

    def set_back_missing(self, state: str) -> int:
        """What is verified here and not at the portal goes into `state`. Returns how many these are."""
        lost = self._journal.execute(
            "UPDATE files SET state = ?, upload_url = NULL, portal_path = NULL, singly = 0"
            " WHERE dataset = ? AND state = 'verified' AND NOT EXISTS (SELECT 1 FROM temp.at_portal AS there"
            " WHERE there.dataset = files.dataset AND there.path = coalesce(files.portal_path, nfc(files.path))"
            " AND there.sha256 = files.sha256) RETURNING 1",
            (state, self._dataset),
        )
        self._journal.execute("DELETE FROM temp.at_portal WHERE dataset = ?", (self._dataset,))
        return len(lost)

    # What lies in the folders.

    def differences(self, founds: Sequence[Found]) -> list[Difference]:
        """Of at most 1000 files, those that are new or changed. Errors: BadUsage when two would get one path."""
        known = self._known(founds)
        named: dict[str, str] = {}
        differences = []
        for found in founds:
            row = known.get(found.path)
            _refuse_collision(found, row["source"] if row else named.setdefault(found.path, found.source))
            difference = Difference(found) if row is None else self._compare(found, row)
            differences += [difference] if difference else []
        return differences

    def known_paths(self, paths: Sequence[str]) -> set[str]:
        """Those of at most 1000 paths that it has heard of."""
        rows = self._journal.execute(
            f"SELECT path FROM files WHERE dataset = ? AND path IN ({_marks(paths)})",  # noqa: S608
            (self._dataset, *paths),
        )
        return {row["path"] for row in rows}

    def note(self, differences: Iterable[Difference], *, ready_at: float) -> None:
        """What is in a bundle stays as it is until the verdict: two bundles may be unpacked in any order."""
        rows = [
            (
                *(self._dataset, found.source, found.path, *found.signature),
                *(difference.sha256, ready_at, found.path == MANIFEST),
            )
            for difference in differences
            for found in (difference.found,)
        ]
        self._journal.execute_many(
            "INSERT INTO files (dataset, source, path, size, mtime_ns, file_id, sha256, ready_at, singly)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (dataset, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
            " file_id = excluded.file_id, ready_at = excluded.ready_at, state = 'found',"
            " sha256 = excluded.sha256, upload_url = NULL, changes = changes + 1, resends = 0, fault = NULL,"
            " reason = NULL, singly = CASE state WHEN 'verified' THEN excluded.singly ELSE singly END"
            " WHERE state <> 'sending' AND bundle IS NULL",
            rows,
        )

    def note_unlisted(self, left_out: LeftOut) -> None:
        self._journal.execute(
            "INSERT OR REPLACE INTO files"
            " (dataset, source, path, size, mtime_ns, file_id, ready_at, state, fault, reason)"
            " VALUES (?, ?, ?, 0, 0, '', 0, 'failed', ?, ?)",
            (self._dataset, left_out.path, left_out.path, Fault.UNLISTED, left_out.reason),
        )

    def clear_unlisted(self) -> None:
        self._journal.execute("DELETE FROM files WHERE dataset = ? AND fault = ?", (self._dataset, Fault.UNLISTED))

    # On the way.

    def to_announce(self, now: float, *, above: int) -> list[FileRow]:
        """What is ready and goes by itself: files of more than `above` bytes, and those that cannot be in a bundle."""
        condition = "state = 'found' AND ready_at <= ? AND (size > ? OR singly = 1) ORDER BY id LIMIT ?"
        return self._rows(condition, now, above, BATCH)

    def note_announced(self, portal_paths: Iterable[tuple[str, int]]) -> None:
        self._journal.execute_many(
            "UPDATE files SET state = 'announced', singly = 1, portal_path = ? WHERE id = ? AND state = 'found'",
            list(portal_paths),
        )

    def note_arrived(self, arrivals: Iterable[tuple[str, str, int]]) -> None:
        """The portal has them already, digest and all: an answer was lost, or a kill came before it was noted.

        Each as portal path, digest and id.
        """
        self._journal.execute_many(
            "UPDATE files SET state = 'stated', singly = 1, portal_path = ?, sha256 = ?, upload_url = NULL"
            " WHERE id = ?",
            list(arrivals),
        )

    def claim(self) -> FileRow | None:
        if not self.has("announced"):
            return None
        rows = self._journal.execute(
            "UPDATE files SET state = 'sending' WHERE id = (SELECT id FROM files"
            " WHERE dataset = ? AND state = 'announced' ORDER BY id LIMIT 1) RETURNING *",
            (self._dataset,),
        )
        return FileRow.read(rows[0]) if rows else None

    def note_upload(self, row: FileRow, url: str | None) -> None:
        self._journal.execute("UPDATE files SET upload_url = ? WHERE id = ?", (url, row.id))

    def note_sent(self, row: FileRow, sha256: str, *, stated: bool, now: float) -> None:
        self._journal.execute(
            "UPDATE files SET state = ?, sha256 = ?, sent_at = ?, upload_url = NULL WHERE id = ?",
            ("stated" if stated else "sent", sha256, now, row.id),
        )

    def note_changed(self, row: FileRow, signature: Signature, *, ready_at: float) -> None:
        self._journal.execute(
            "UPDATE files SET state = 'found', size = ?, mtime_ns = ?, file_id = ?, ready_at = ?, sha256 = NULL,"
            " upload_url = NULL, changes = changes + 1 WHERE id = ?",
            (*signature, ready_at, row.id),
        )

    def note_failed(self, row: FileRow, trouble: AgentError, fault: Fault) -> None:
        self._journal.execute(
            "UPDATE files SET state = 'failed', fault = ?, reason = ? WHERE id = ?", (fault, trouble.sentence, row.id)
        )

    def to_withdraw(self) -> list[FileRow]:
        """The portal was promised these, and they are gone."""
        return self._rows(f"state = 'failed' AND fault = '{Fault.GONE}' AND portal_path IS NOT NULL LIMIT ?", BATCH)

    def note_withdrawn(self, rows: Iterable[FileRow]) -> None:
        self._journal.execute_many(
            "UPDATE files SET state = 'withdrawn', fault = ? WHERE id = ?", [(Fault.WITHDRAWN, row.id) for row in rows]
        )

    def remove(self, row: FileRow) -> None:
        self._journal.execute("DELETE FROM files WHERE id = ?", (row.id,))

    # At the portal.

    def to_state(self) -> list[FileRow]:
        return self._rows("state = 'sent' ORDER BY id LIMIT ?", BATCH)

    def note_stated(self, rows: Iterable[FileRow]) -> None:
        self._journal.execute_many(
            "UPDATE files SET state = 'stated' WHERE id = ? AND state = 'sent'", [(row.id,) for row in rows]
        )

    def outstanding(self, after: int) -> list[FileRow]:
        return self._rows("state = 'stated' AND bundle IS NULL AND id > ? ORDER BY id LIMIT ?", after, BATCH)

    def known_to_portal_as(self, portal_paths: Sequence[str]) -> list[FileRow]:
        """Those that were announced, and members of bundles whose names are the portal's as they are."""
        return self._rows(f"coalesce(portal_path, nfc(path)) IN ({_marks(portal_paths)})", *portal_paths)

    def by_ids(self, ids: Iterable[int]) -> list[FileRow]:
        return [row for id_ in ids for row in self._rows("id = ?", id_)]

    def note_verified(self, rows: Iterable[FileRow]) -> None:
        self._journal.execute_many(
            "UPDATE files SET state = 'verified' WHERE id = ? AND state = 'stated'", [(row.id,) for row in rows]
        )

    def note_corrupt(self, row: FileRow, reason: str) -> bool:
        """Send it again, or give it up after RESENDS times. Returns whether it is sent again.

        A member of a bundle that the portal knows nothing of is announced first.
        """
        again = row.resends < RESENDS
        state = "announced" if row.announced_before else "found"
        self._journal.execute(
            "UPDATE files SET state = ?, fault = ?, reason = ?, resends = resends + 1, singly = 1, sha256 = NULL,"
            " upload_url = NULL WHERE id = ? AND state IN ('stated', 'verified')",
            (state, None, None, row.id) if again else ("failed", Fault.CORRUPT, reason, row.id),
        )
        return again

    def note_known_to_portal(self, paths: Iterable[tuple[str, int]]) -> None:
        """Members of a bundle that the portal has a row of, as its path and our id: no need to announce them."""
        self._journal.execute_many("UPDATE files SET portal_path = ? WHERE id = ?", list(paths))

    def note_unstated(self, row: FileRow) -> None:
        """The portal does not know the digest after all: state it again."""
        self._journal.execute(
            "UPDATE files SET state = 'sent' WHERE id = ? AND state IN ('stated', 'verified')", (row.id,)
        )

    # How far it is.

    def all_files(self) -> Iterator[FileRow]:
        """In the order they were found, a batch at a time."""
        after = 0
        while rows := self._rows("id > ? ORDER BY id LIMIT ?", after, BATCH):
            yield from rows
            after = rows[-1].id

    def counts(self) -> Counts:
        rows = self._journal.execute(
            "SELECT state, count(*) AS files, sum(size) AS bytes FROM files WHERE dataset = ? GROUP BY state",
            (self._dataset,),
        )
        return Counts({row["state"]: row["files"] for row in rows}, {row["state"]: row["bytes"] for row in rows})

    def number_of(self, state: str) -> int:
        ((number,),) = self._journal.execute(
            "SELECT count(*) FROM files WHERE dataset = ? AND state = ?", (self._dataset, state)
        )
        return int(number)

    def has(self, *states: str) -> bool:
        marks = _marks(states)
        return bool(
            self._journal.execute(
                f"SELECT 1 FROM files WHERE dataset = ? AND state IN ({marks}) LIMIT 1",  # noqa: S608
                (self._dataset, *states),
            )
        )

    def failures(self, limit: int = BATCH) -> list[Failure]:
        rows = self._journal.execute(
            "SELECT path, source, fault, reason FROM files"
            " WHERE dataset = ? AND state IN ('failed', 'withdrawn') ORDER BY path LIMIT ?",
            (self._dataset, limit),
        )
        return [Failure(row["path"], row["source"], Fault(row["fault"]), row["reason"]) for row in rows]

    def faults(self) -> set[Fault]:
        rows = self._journal.execute(
            "SELECT DISTINCT fault FROM files WHERE dataset = ? AND state IN ('failed', 'withdrawn')", (self._dataset,)
        )
        return {Fault(row["fault"]) for row in rows}

    def _rows(self, condition: str, *values: object) -> list[FileRow]:
        statement = f"SELECT * FROM files WHERE dataset = ? AND {condition}"  # noqa: S608 conditions are ours
        return [FileRow.read(row) for row in self._journal.execute(statement, (self._dataset, *values))]

    def _known(self, founds: Sequence[Found]) -> dict[str, sqlite3.Row]:
        paths = [found.path for found in founds]
        rows = self._journal.execute(
            "SELECT path, source, size, mtime_ns, file_id, state, sha256, upload_url, bundle, id FROM files"  # noqa: S608
            f" WHERE dataset = ? AND path IN ({_marks(paths)})",
            (self._dataset, *paths),
        )
        return {row["path"]: row for row in rows}

    def _compare(self, found: Found, row: sqlite3.Row) -> Difference | None:
        """Another file id proves nothing: some file systems number anew at each mount. Then the content decides."""
        if row["state"] == "sending":
            return None
        changed = Difference(found, upload_url=row["upload_url"])
        if row["state"] == "withdrawn" or (found.signature.size, found.signature.mtime_ns) != (
            row["size"],
            row["mtime_ns"],
        ):
            return changed
        if found.signature.file_id == row["file_id"]:
            return None
        try:
            sha256 = hash_file(found.source, found.signature) if row["sha256"] else None
        except SourceTrouble:
            return changed
        if sha256 != row["sha256"]:
            return replace(changed, sha256=sha256)
        self._journal.execute("UPDATE files SET file_id = ? WHERE id = ?", (found.signature.file_id, row["id"]))
        return None


def _refuse_collision(found: Found, source: str) -> None:
    if found.source != source:
        raise BadUsage(
            f"{source} and {found.source} would both become {found.path} in the dataset: "
            "send the folder above them, or send them as two datasets."
        )


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
