"""The threads that send, each one file or bundle at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from labcourier_agent.bundle_upload import BundleUpload
from labcourier_agent.bundles import Bundle
from labcourier_agent.clock import steady_now
from labcourier_agent.exits import AgentError, Interrupted, Invalid, SourceChanged, SourceTrouble, SourceUnreadable
from labcourier_agent.progress import LOGGER, Active
from labcourier_agent.records import Fault, FileRow
from labcourier_agent.source import look_at
from labcourier_agent.upload import FileUpload, Way

# Longest wait for threads to notice that they should end; one that hangs in a dead connection ends with the process.
FAREWELL = 5.0
# After so many changes a file is given up in this run, unless the run follows what is being written.
CHANGES_BORNE = 5
LONGEST_SETTLING = 32.0
# What became ready by the clock alone is seen this soon.
WAKE_ANYWAY = 0.2


class Senders:
    """`stable`: seconds a changed file is left alone when the run follows what is being written, None when it does not.

    What ends the sending as a whole, in whatever thread, comes out of `raise_trouble`.
    """

    def __init__(self, way: Way, *, stable: float | None) -> None:
        self._way = way
        self._idle = threading.Event()
        self._trouble: BaseException | None = None
        self._stable = stable
        self._work = threading.Condition()
        self._uploads: dict[int, FileUpload | BundleUpload] = {}
        self._threads = [
            threading.Thread(target=self._send_until_stopped, args=(number,), name=f"sender-{number}", daemon=True)
            for number in range(way.transfers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Files were found or announced."""
        with self._work:
            self._work.notify_all()

    def stop(self) -> None:
        self._way.stop.set()
        self.wake()
        deadline = time.monotonic() + FAREWELL
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def rest(self, seconds: float) -> None:
        """Waits until a thread has nothing to do, at most for `seconds`."""
        self._idle.wait(seconds)
        self._idle.clear()

    def raise_trouble(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def active(self) -> list[Active]:
        return [upload.active() for upload in self._uploads.copy().values()]

    def _send_until_stopped(self, number: int) -> None:
        """Bundles and large files in turn, half of the threads beginning with either, so that neither waits long."""
        turn = number
        try:
            while not self._way.stop.is_set():
                work = self._claim(bundle_first=turn % 2 == 0)
                turn += 1
                if isinstance(work, Bundle):
                    self._send_bundle(work)
                elif work is not None:
                    self._send(work)
        except Interrupted:
            return
        except BaseException as trouble:  # noqa: BLE001 a thread must not end unseen: the owner raises it
            self._trouble = self._trouble or trouble
            self._way.stop.set()
            self._idle.set()

    def _claim(self, *, bundle_first: bool) -> FileRow | Bundle | None:
        with self._work:
            work: FileRow | Bundle | None = self._claim_bundle() if bundle_first else None
            work = work or self._way.ledger.claim()
            if work is None and not bundle_first:
                work = self._claim_bundle()
            if work is None:
                self._idle.set()
                self._work.wait(WAKE_ANYWAY)
            return work

    def _claim_bundle(self) -> Bundle | None:
        rules = self._way.rules
        return self._way.bundles.claim(rules, steady_now()) if rules else None

    def _send(self, row: FileRow) -> None:
        upload = self._uploads[threading.get_ident()] = FileUpload(row, self._way)
        try:
            self._refuse_restless(row)
            sent = upload.run()
            self._way.ledger.note_sent(row, sent.sha256, stated=sent.stated, now=steady_now())
            LOGGER.debug("sent %s (%d bytes, sha256 %s)", row.path, row.signature.size, sent.sha256)
        except SourceTrouble as trouble:
            self._settle(row, trouble)
        except Invalid as refusal:
            self._give_up(row, refusal, Fault.REFUSED)
        finally:
            del self._uploads[threading.get_ident()]

    def _send_bundle(self, bundle: Bundle) -> None:
        upload = self._uploads[threading.get_ident()] = BundleUpload(bundle, self._way)
        try:
            skipped = upload.run()
        except Invalid as refusal:
            upload.terminate()
            self._way.bundles.dissolve(bundle.id)
            self._way.notices.say(
                f"{refusal.sentence} The {len(bundle.members)} files of a bundle are sent one by one."
            )
            return
        finally:
            del self._uploads[threading.get_ident()]
        self._way.bundles.note_sent(bundle, steady_now())
        LOGGER.debug("sent a bundle of %d files, without %d of them", len(bundle.members), len(skipped))
        self._settle_skipped(skipped)

    def _settle_skipped(self, skipped: Sequence[tuple[int, SourceTrouble]]) -> None:
        troubles = dict(skipped)
        for row in self._way.ledger.by_ids(troubles):
            self._settle(row, troubles[row.id])

    def _settle(self, row: FileRow, trouble: SourceTrouble) -> None:
        if isinstance(trouble, SourceChanged):
            self._set_aside(row, trouble)
        else:
            self._fail(row, trouble)

    def _refuse_restless(self, row: FileRow) -> None:
        if self._stable is None and row.changes >= CHANGES_BORNE:
            raise SourceChanged(f"{row.source} is still being written: send it when it is complete.")

    def _set_aside(self, row: FileRow, change: SourceChanged) -> None:
        """The new version is sent once it had time to settle."""
        if self._stable is None and row.changes >= CHANGES_BORNE:
            self._give_up(row, change, Fault.CHANGING)
            return
        pause = self._stable if self._stable is not None else min(2.0**row.changes, LONGEST_SETTLING)
        try:
            self._way.ledger.note_changed(row, look_at(row.source), ready_at=steady_now() + pause)
        except SourceTrouble as trouble:
            self._fail(row, trouble)
        else:
            self._way.notices.say(f"{change.sentence} It is sent again.")

    def _fail(self, row: FileRow, trouble: SourceTrouble) -> None:
        gone = isinstance(trouble, SourceUnreadable) and trouble.gone
        if gone and not row.announced_before:
            self._way.ledger.remove(row)
            return
        self._give_up(row, trouble, Fault.GONE if gone else Fault.UNREADABLE)

    def _give_up(self, row: FileRow, trouble: AgentError, fault: Fault) -> None:
        self._way.ledger.note_failed(row, trouble, fault)
        self._way.notices.say_failed(row.path, trouble.sentence)
