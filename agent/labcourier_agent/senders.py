"""The threads that send files, each one file at a time."""

from __future__ import annotations

import threading
import time

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
        self._uploads: dict[int, FileUpload] = {}
        self._threads = [
            threading.Thread(target=self._send_until_stopped, name=f"sender-{number}", daemon=True)
            for number in range(way.transfers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Files were announced."""
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
        return [
            Active(upload.row.path, upload.offset, upload.row.signature.size)
            for upload in self._uploads.copy().values()
        ]

    def _send_until_stopped(self) -> None:
        try:
            while not self._way.stop.is_set():
                row = self._claim()
                if row is not None:
                    self._send(row)
        except Interrupted:
            return
        except BaseException as trouble:  # noqa: BLE001 a thread must not end unseen: the owner raises it
            self._trouble = self._trouble or trouble
            self._way.stop.set()
            self._idle.set()

    def _claim(self) -> FileRow | None:
        with self._work:
            row = self._way.ledger.claim()
            if row is None:
                self._idle.set()
                self._work.wait(0.5)
            return row

    def _send(self, row: FileRow) -> None:
        upload = self._uploads[row.id] = FileUpload(row, self._way)
        try:
            self._refuse_restless(row)
            sent = upload.run()
            self._way.ledger.note_sent(row, sent.sha256, stated=sent.stated, now=time.time())
            LOGGER.debug("sent %s (%d bytes, sha256 %s)", row.path, row.signature.size, sent.sha256)
        except SourceChanged as change:
            self._set_aside(row, change)
        except SourceUnreadable as trouble:
            self._fail(row, trouble)
        except Invalid as refusal:
            self._give_up(row, refusal, Fault.REFUSED)
        finally:
            del self._uploads[row.id]

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
            self._way.ledger.note_changed(row, look_at(row.source), ready_at=time.time() + pause)
        except SourceTrouble as trouble:
            self._fail(row, trouble)
        else:
            self._way.notices.say(f"{change.sentence} It is sent again.")

    def _fail(self, row: FileRow, trouble: SourceTrouble) -> None:
        gone = isinstance(trouble, SourceUnreadable) and trouble.gone
        self._give_up(row, trouble, Fault.GONE if gone else Fault.UNREADABLE)

    def _give_up(self, row: FileRow, trouble: AgentError, fault: Fault) -> None:
        self._way.ledger.note_failed(row, trouble, fault)
        self._way.notices.say_failed(row.path, trouble.sentence)
