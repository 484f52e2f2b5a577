"""Telling the portal which files are coming, and their digests once they are known; a thousand at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from labcourier_agent.clock import steady_now
from labcourier_agent.exits import Invalid, NotFound, SourceUnreadable
from labcourier_agent.patience import Patience
from labcourier_agent.portal_client import BATCH, Connection, PortalFile
from labcourier_agent.progress import in_words
from labcourier_agent.records import Fault, FileRow
from labcourier_agent.source import look_at
from labcourier_agent.upload import Way

# Digests are gathered for this long before they are stated.
GATHER = 1.0


class Announcer:
    """Used by one thread. Passing trouble is waited out; a refused name costs that file alone."""

    def __init__(self, way: Way, connection: Connection) -> None:
        self._way = way
        self._connection = connection
        self._stated_at = 0.0
        self._can_withdraw = True

    def announce(self) -> bool:
        """One batch of files that are ready. Returns whether there was any."""
        rules = self._way.rules
        rows = self._way.ledger.to_announce(steady_now(), above=rules.threshold if rules else -1)
        if not rows:
            return False
        fit = [row for row in rows if self._is_there(row) and self._fits(row)]
        while fit:
            try:
                answers = self._tell(fit)
            except Invalid as refusal:
                fit = self._drop_refused(fit, refusal)
            else:
                self._note(fit, answers)
                break
        return True

    def state_digests(self, *, hurry: bool) -> bool:
        """One batch of the digests that were found while sending. Returns whether there was any."""
        rows = self._way.ledger.to_state()
        if not rows or (len(rows) < BATCH and not hurry and time.monotonic() < self._stated_at + GATHER):
            return False
        self._tell(rows)
        self._way.ledger.note_stated(rows)
        self._stated_at = time.monotonic()
        return True

    def withdraw(self) -> bool:
        """Takes back what was announced and vanished here: the dataset can be complete without it."""
        rows = self._way.ledger.to_withdraw() if self._can_withdraw else []
        if not rows:
            return False
        paths = [row.portal_path for row in rows]
        patience = Patience(self._way.stop, self._way.notices.say)
        try:
            patience.keep_trying(lambda: self._way.portal.withdraw(self._way.dataset_id, paths))
        except NotFound:
            # An older portal: these files stay failed, and the dataset open.
            self._can_withdraw = False
            return False
        self._way.ledger.note_withdrawn(rows)
        self._way.notices.say(f"Vanished before they were sent: {len(rows)}. The dataset is complete without them.")
        return True

    def _tell(self, rows: Sequence[FileRow]) -> list[PortalFile]:
        files = [_entry(row) for row in rows]
        patience = Patience(self._way.stop, self._way.notices.say)
        return patience.keep_trying(lambda: self._way.portal.announce(self._way.dataset_id, files))

    def _is_there(self, row: FileRow) -> bool:
        """What vanished or changed since it was seen is not promised to the portal."""
        try:
            now = look_at(row.source)
        except SourceUnreadable as trouble:
            if trouble.gone and not row.announced_before:
                self._way.ledger.remove(row)
            else:
                self._fail(row, trouble, Fault.GONE if trouble.gone else Fault.UNREADABLE)
            return False
        if now != row.signature:
            self._way.ledger.note_changed(row, now, ready_at=steady_now() + 1.0)
            return False
        return True

    def _fits(self, row: FileRow) -> bool:
        most = self._connection.max_file_bytes
        if most is not None and row.signature.size > most:
            size = in_words(row.signature.size)
            self._fail(row, Invalid(f"It has {size}, and the portal takes at most {in_words(most)} a file."))
            return False
        longest = self._connection.max_path_bytes
        if longest is not None and len(row.path.encode()) > longest:
            self._fail(row, Invalid(f"Its path is longer than the {longest} bytes the portal takes: shorten it."))
            return False
        return True

    def _drop_refused(self, rows: Sequence[FileRow], refusal: Invalid) -> list[FileRow]:
        """The portal recorded nothing, but named the files it does not like: go on without them."""
        named = {entry["path"]: str(entry["message"]) for entry in refusal.detail.get("files", [])}
        refused = [row for row in rows if row.path in named]
        if not refused:
            raise refusal
        for row in refused:
            self._fail(row, Invalid(named[row.path]))
        return [row for row in rows if row.path not in named]

    def _fail(self, row: FileRow, trouble: Invalid | SourceUnreadable, fault: Fault = Fault.REFUSED) -> None:
        self._way.ledger.note_failed(row, trouble, fault)
        self._way.notices.say_failed(row.path, trouble.sentence)

    def _note(self, rows: Sequence[FileRow], answers: Sequence[PortalFile]) -> None:
        known = {answer.sent_path: answer for answer in answers}
        announced, arrived = [], []
        for row in rows:
            answer = known[row.path]
            if answer.state in ("received", "verified") and answer.sha256 and row.sha256 in (None, answer.sha256):
                arrived.append((answer.path, answer.sha256, row.id))
            else:
                announced.append((answer.path, row.id))
        self._way.ledger.note_arrived(arrived)
        self._way.ledger.note_announced(announced)


def _entry(row: FileRow) -> dict[str, Any]:
    """The digest too where it is known: it alone tells the portal of a new version of equal size and time."""
    entry = {"path": row.path, "size": row.signature.size, "mtime_ns": row.signature.mtime_ns}
    return entry | ({"sha256": row.sha256} if row.sha256 else {})
