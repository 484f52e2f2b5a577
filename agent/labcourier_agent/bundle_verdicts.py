"""Asking the portal what became of the bundles it took: one question for thousands of files."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from labcourier_agent.clock import steady_now
from labcourier_agent.exits import Invalid, NotFound
from labcourier_agent.portal_client import BundleAnswer
from labcourier_agent.records import Fault, FileRow
from labcourier_agent.resending import CORRUPT, send_again
from labcourier_agent.upload import Way

# The portal unpacks several at once, hardly ever more than this out of order.
LOOK_AHEAD = 3


class BundleVerdicts:
    """For one dataset; used by one thread."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def settle(self, *, everything: bool) -> bool:
        """Oldest first, until several in a row are not unpacked yet. Returns whether any was. Errors: TryLater."""
        settled, waiting = False, 0
        for bundle_id, upload_id in self._way.bundles.at_portal():
            if self._settle(bundle_id, upload_id):
                settled, waiting = True, 0
            else:
                waiting += 1
            if waiting >= LOOK_AHEAD and not everything:
                break
        return settled

    def _settle(self, bundle_id: int, upload_id: str) -> bool:
        bundles, say = self._way.bundles, self._way.notices.say
        try:
            answer = self._way.portal.bundle(upload_id)
        except NotFound:
            bundles.forget(bundle_id)
            return True
        if answer.state == "unpacked":
            self._settle_unpacked(bundle_id, answer)
        elif answer.state == "refused":
            bundles.dissolve(bundle_id)
            say(f"The portal could not unpack a bundle: {answer.reason} Its files are sent one by one.")
        elif answer.state == "receiving":
            bundles.begin_anew(bundle_id)
            say("The portal lost a part of a bundle. Its files are sent again.")
        else:
            return False
        return True

    def _settle_unpacked(self, bundle_id: int, answer: BundleAnswer) -> None:
        bad = {unicodedata.normalize("NFC", entry["path"]): entry for entry in answer.bad}
        members = self._way.bundles.members(bundle_id) if bad else []
        ids = [member.id for member in members if unicodedata.normalize("NFC", member.path) in bad]
        self._way.bundles.settle(bundle_id, otherwise=ids)
        corrupt = [path for path, entry in bad.items() if entry["state"] == "corrupt"]
        known = {row.portal_path: row.id for row in self._way.ledger.by_ids(ids)}
        self._way.ledger.note_known_to_portal((path, known[path]) for path in corrupt if path in known)
        for row in self._way.ledger.by_ids(ids):
            self._settle_bad(row, bad[row.portal_path])

    def _settle_bad(self, row: FileRow, entry: Mapping[str, Any]) -> None:
        """The bundle is done with, so each of these goes by itself."""
        reason = entry.get("reason") or CORRUPT
        if entry["state"] == "corrupt":
            send_again(self._way, row, reason)
        elif entry["state"] == "skipped":
            self._way.ledger.note_changed(row, row.signature, ready_at=steady_now())
        else:
            self._way.ledger.note_failed(row, Invalid(reason), Fault.REFUSED)
            self._way.notices.say_failed(row.path, reason)
