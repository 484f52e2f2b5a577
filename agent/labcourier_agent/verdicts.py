"""Asking the portal what it has verified: the counts first, single files only when the counts moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from labcourier_agent.bundle_verdicts import BundleVerdicts
from labcourier_agent.clock import steady_now
from labcourier_agent.exits import TryLater
from labcourier_agent.portal_client import BATCH, PortalFile
from labcourier_agent.records import FileRow
from labcourier_agent.resending import CORRUPT, MISSING, send_again
from labcourier_agent.upload import Way

# Seconds between questions.
SOONEST = 0.1
WHILE_SENDING = 1.0
LATEST = 5.0
# Counts do not tell everything, such as a file that went missing at the portal: look at the files this often.
LOOK_ANYWAY = 30.0
# A file that was sent whole may stay `expected` for this long, where another server tells the portal of its arrival.
ARRIVAL_GRACE = 30.0


class Verdicts:
    """For one dataset; used by one thread."""

    def __init__(self, way: Way, *, note_answer: Callable[[dict[str, Any]], None]) -> None:
        self._way = way
        self._note_answer = note_answer
        self._interval = SOONEST
        self._asked = float("-inf")
        self._looked = time.monotonic()
        self._after = 0
        self._bundles = BundleVerdicts(way)

    def collect(self, *, hurry: bool) -> bool:
        """Asks when it is time to. `hurry`: nothing else is left to do. Returns whether any file was settled."""
        interval = self._interval if hurry else max(self._interval, WHILE_SENDING)
        if time.monotonic() < self._asked + interval or not self._way.ledger.has("stated"):
            return False
        settled = self._ask()
        self._interval = SOONEST if settled else min(self._interval * 1.5, LATEST)
        self._asked = time.monotonic()
        return settled

    def _ask(self) -> bool:
        """Trouble that passes only means to ask later: there may be files to send meanwhile."""
        try:
            return self._bundles.settle(everything=self._is_overdue()) | (self._has_news() and self._walk())
        except TryLater as trouble:
            self._way.notices.say(f"{trouble.sentence} What is verified will be asked again.")
            return False

    def _has_news(self) -> bool:
        """Whether the portal has judged files whose verdict is not noted here. Corrupt ones are looked at each time."""
        answer = self._way.portal.dataset(self._way.dataset_id)
        self._note_answer(answer)
        counts = answer["counts"]
        if counts["verified"] > self._way.ledger.number_of("verified") or counts["corrupt"]:
            return True
        return self._is_overdue()

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._looked >= LOOK_ANYWAY

    def _walk(self) -> bool:
        """Batch by batch until one that is not full or has no news; the next walk goes on behind it."""
        self._looked = time.monotonic()
        settled_any = False
        while rows := self._next_batch():
            settled = self._settle(rows)
            settled_any |= settled
            if not settled or len(rows) < BATCH:
                break
        return settled_any

    def _next_batch(self) -> list[FileRow]:
        rows = self._way.ledger.outstanding(self._after) or self._way.ledger.outstanding(0)
        self._after = rows[-1].id if rows else 0
        return rows

    def _settle(self, rows: Sequence[FileRow]) -> bool:
        answers = self._way.portal.query(self._way.dataset_id, [row.portal_path for row in rows])
        known = {answer.path: answer for answer in answers}
        verified = []
        moved = False
        for row in rows:
            answer = known.get(row.portal_path)
            if answer is not None and answer.state == "verified" and answer.sha256 == row.sha256:
                verified.append(row)
            else:
                moved |= self._settle_otherwise(row, answer)
        self._way.ledger.note_verified(verified)
        return moved or bool(verified)

    def _settle_otherwise(self, row: FileRow, answer: PortalFile | None) -> bool:
        """Anything but verified as sent. Returns whether the file goes another way now."""
        if answer is not None and answer.state == "received":
            return False
        if answer is None or answer.state == "expected":
            if steady_now() - row.sent_at < ARRIVAL_GRACE:
                return False
            reason = MISSING
        elif answer.state == "verified":
            reason = "The portal has verified another content under this name."
        else:
            reason = answer.reason or CORRUPT
        send_again(self._way, row, reason)
        return True
