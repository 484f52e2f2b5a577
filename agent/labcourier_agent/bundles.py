"""The bundles of one dataset, in the journal.

waiting → sending → sent, then gone: its members are verified or go another way. `waiting`: left over from an earlier
run. `sending`: a thread is at it; its members are `sending` too. `sent`: all of it is at the portal, its members are
`stated`. Members are in the order of their ids, and a file that changes meanwhile stays a member as it was: so the tar
can be made again, byte by byte, as far as its files are the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labcourier_agent.journal import Journal
from labcourier_agent.packing import Member, packed_size
from labcourier_agent.portal_client import BundleRules
from labcourier_agent.source import Signature

# The agent packs one while the portal receives another and its worker unpacks a third: docs/benchmarks.md.
MOST_BYTES = 32 * 1024 * 1024
MOST_FILES = 4000
READY = "dataset = ? AND state = 'found' AND singly = 0 AND ready_at <= ? AND size <= ?"
COLUMNS = "id, source, path, size, mtime_ns, file_id, sha256"


@dataclass(frozen=True)
class Bundle:
    """`sealed`: its digests are in the journal, so its manifest may be at the portal already."""

    id: int
    upload_url: str | None
    sealed: bool
    members: list[Member]


class Bundles:
    """Thread-safe, as the journal is."""

    def __init__(self, journal: Journal, dataset: int) -> None:
        self._journal = journal
        self._dataset = dataset

    def claim(self, rules: BundleRules, now: float) -> Bundle | None:
        """One that was left over, or a new one of the small files that are ready.

        None when there are less than two: a file alone is sooner there by itself.
        """
        if not self._is_work_at_hand(rules, now):
            return None
        with self._journal.transaction():
            return self._claim_waiting() or self._begin(rules, now)

    def note_upload(self, bundle: Bundle, url: str | None) -> None:
        self._journal.execute("UPDATE bundles SET upload_url = ? WHERE id = ?", (url, bundle.id))

    def seal(self, bundle: Bundle, digests: Iterable[str | None]) -> None:
        """`digests` in the order of its members, None for those that are skipped."""
        rows = [(digest, member.id) for digest, member in zip(digests, bundle.members, strict=True)]
        with self._journal.transaction():
            self._journal.execute_many("UPDATE files SET sha256 = ? WHERE id = ?", rows)
            self._journal.execute("UPDATE bundles SET sealed = 1 WHERE id = ?", (bundle.id,))

    def note_sent(self, bundle: Bundle, now: float) -> None:
        """Skipped members stay `sending`, for their sender to decide about."""
        with self._journal.transaction():
            self._journal.execute("UPDATE bundles SET state = 'sent' WHERE id = ?", (bundle.id,))
            self._journal.execute(
                "UPDATE files SET state = 'stated', sent_at = ? WHERE bundle = ? AND sha256 IS NOT NULL",
                (now, bundle.id),
            )
            self._journal.execute("UPDATE files SET bundle = NULL WHERE bundle = ? AND sha256 IS NULL", (bundle.id,))

    def dissolve(self, bundle_id: int) -> None:
        """The portal does not take it: its members go singly."""
        self._release(bundle_id, "state = 'found', singly = 1, sha256 = NULL")

    def forget(self, bundle_id: int) -> None:
        """The portal knows nothing of it: its members are asked about one by one."""
        self._release(bundle_id, "state = 'stated'")

    def begin_anew(self, bundle_id: int) -> None:
        """The portal lost some of its bytes: its members are packed again."""
        self._release(bundle_id, "state = 'found', sha256 = NULL")

    def dissolve_all(self) -> None:
        """For a portal that takes no bundles any more."""
        for row in self._journal.execute("SELECT id FROM bundles WHERE dataset = ?", (self._dataset,)):
            self.dissolve(row["id"])

    def at_portal(self) -> list[tuple[int, str]]:
        """Journal ids and upload ids of those whose verdict is awaited, oldest first."""
        rows = self._journal.execute(
            "SELECT id, upload_url FROM bundles WHERE dataset = ? AND state = 'sent' ORDER BY id", (self._dataset,)
        )
        return [(row["id"], row["upload_url"].rstrip("/").rpartition("/")[2]) for row in rows]

    def members(self, bundle_id: int) -> list[Member]:
        rows = self._journal.execute(
            f"SELECT {COLUMNS} FROM files WHERE bundle = ? ORDER BY id",  # noqa: S608 names are ours
            (bundle_id,),
        )
        return [_member(row) for row in rows]

    def settle(self, bundle_id: int, otherwise: Iterable[int]) -> None:
        """All members are verified but those whose ids are in `otherwise`: these belong to no bundle any more."""
        with self._journal.transaction():
            self._journal.execute_many(
                "UPDATE files SET bundle = NULL WHERE id = ?", [(file_id,) for file_id in otherwise]
            )
            self._release(bundle_id, "state = 'verified'")

    def any(self) -> bool:
        return bool(self._journal.execute("SELECT 1 FROM bundles WHERE dataset = ? LIMIT 1", (self._dataset,)))

    def _is_work_at_hand(self, rules: BundleRules, now: float) -> bool:
        """Asked without a write, several times a second."""
        return bool(
            self._journal.execute(
                "SELECT 1 WHERE EXISTS (SELECT 1 FROM bundles WHERE dataset = ? AND state = 'waiting')"  # noqa: S608
                f" OR EXISTS (SELECT 1 FROM files WHERE {READY})",
                (self._dataset, self._dataset, now, rules.threshold),
            )
        )

    def _claim_waiting(self) -> Bundle | None:
        rows = self._journal.execute(
            "UPDATE bundles SET state = 'sending' WHERE id = (SELECT id FROM bundles"
            " WHERE dataset = ? AND state = 'waiting' ORDER BY id LIMIT 1) RETURNING *",
            (self._dataset,),
        )
        if not rows:
            return None
        return Bundle(rows[0]["id"], rows[0]["upload_url"], bool(rows[0]["sealed"]), self.members(rows[0]["id"]))

    def _begin(self, rules: BundleRules, now: float) -> Bundle | None:
        values = (self._dataset, now, rules.threshold)
        rows = self._journal.execute(
            f"SELECT {COLUMNS} FROM files WHERE {READY} ORDER BY id LIMIT ?",  # noqa: S608 names are ours
            (*values, min(MOST_FILES, rules.max_files)),
        )
        members = [_member(row)._replace(sha256=None) for row in rows]
        del members[_how_many_fit(members, min(MOST_BYTES, rules.max_bytes)) :]
        if len(members) < 2:
            self._journal.execute_many("UPDATE files SET singly = 1 WHERE id = ?", [(row["id"],) for row in rows[:1]])
            return None
        ((bundle_id,),) = self._journal.execute("INSERT INTO bundles (dataset) VALUES (?) RETURNING id", values[:1])
        self._journal.execute(
            f"UPDATE files SET state = 'sending', bundle = ?, sha256 = NULL WHERE {READY} AND id <= ?",  # noqa: S608
            (bundle_id, *values, members[-1].id),
        )
        return Bundle(bundle_id, None, False, members)

    def _release(self, bundle_id: int, outcome: str) -> None:
        with self._journal.transaction():
            self._journal.execute(
                f"UPDATE files SET bundle = NULL, {outcome} WHERE bundle = ?",  # noqa: S608 outcomes are ours
                (bundle_id,),
            )
            self._journal.execute("DELETE FROM bundles WHERE id = ?", (bundle_id,))


def _member(row: sqlite3.Row) -> Member:
    id_, source, path, size, mtime_ns, file_id, sha256 = row
    return Member(id_, source, path, Signature(size, mtime_ns, file_id), sha256)


def _how_many_fit(members: Sequence[Member], most: int) -> int:
    room = most
    for number, member in enumerate(members):
        room -= packed_size(member.path, member.signature.size)
        if room < 0:
            return number
    return len(members)
