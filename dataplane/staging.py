"""Where bytes land while an upload is under way: one flat folder, one file per upload.

The offset that counts is the recorded one, kept by the application. Bytes beyond it were written but never
acknowledged, so opening cuts them off; a file shorter than it has lost acknowledged bytes, which is an
incident and never repaired in silence.
"""

import os
import re
from pathlib import Path

from dataplane.errors import NoRoom, StagingMissing, StagingShort
from dataplane.folders import move, no_room, sync_folder
from dataplane.lock import TAKEOVER_WAIT, WriterLock, acquire_idle_lock, acquire_lock
from dataplane.staging_writer import StagingWriter

_UPLOAD_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_LOCKS = ".locks"


class StagingArea:
    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Create the folders. Call it once at start."""
        (self.root / _LOCKS).mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, upload_id: str) -> Path:
        return self.root / _checked(upload_id)

    def lock(self, upload_id: str, *, wait: float = TAKEOVER_WAIT) -> WriterLock:
        """Become this upload's one writer, stopping an older one. Raises Busy."""
        return acquire_lock(self._lock_path(upload_id), wait=wait)

    def lock_idle(self, upload_id: str) -> WriterLock:
        """Become this upload's one writer only if there is none. Raises Busy."""
        return acquire_idle_lock(self._lock_path(upload_id))

    def open(self, upload_id: str, *, recorded: int, fleeting: bool = False) -> StagingWriter:
        """Open for writing at the recorded offset; hold the lock. The tail beyond it is cut off.

        `fleeting`: it will be finished or forgotten before anybody learns its id, so the name here need not
        survive a power cut.
        Raises StagingShort, StagingMissing (only when something was recorded), NoRoom.
        """
        path = self.path(upload_id)
        flags = os.O_WRONLY if recorded else os.O_WRONLY | os.O_CREAT
        try:
            descriptor = os.open(path, flags, 0o640)
        except FileNotFoundError as error:
            raise StagingMissing(
                f"Upload {upload_id}: {recorded} bytes were acknowledged but its staging file is missing. "
                "Check that the staging volume is mounted."
            ) from error
        except OSError as error:
            if no_room(error):
                raise NoRoom("The disk is full. Wait until there is room, then resume.") from error
            raise
        try:
            _cut_tail(descriptor, upload_id, recorded)
        except BaseException:
            os.close(descriptor)
            raise
        return StagingWriter(descriptor, recorded, name_is_durable=fleeting or recorded > 0, folder=self.root)

    def check(self, upload_id: str, *, recorded: int) -> None:
        """Raise StagingShort or StagingMissing when acknowledged bytes are not there; changes nothing."""
        if not recorded:
            return
        try:
            size = self.path(upload_id).stat().st_size
        except FileNotFoundError as error:
            raise StagingMissing(f"Upload {upload_id}: its staging file is missing.") from error
        if size < recorded:
            raise _short(upload_id, size, recorded)

    def finish(self, upload_id: str, target: Path) -> None:
        """Move a complete, flushed file to `target` and make the new name durable; hold the lock.

        A second call after a crash in between finds the file moved and succeeds.
        """
        source = self.path(upload_id)
        if source.exists() or not target.exists():
            move(source, target)
        sync_folder(target.parent)

    def remove(self, upload_id: str) -> None:
        """Give the space back; nothing to do when it is gone already. Hold the lock."""
        self.path(upload_id).unlink(missing_ok=True)

    def stray_ids(self) -> list[str]:
        """The upload ids that have a staging file, for a sweep that compares them with the records."""
        with os.scandir(self.root) as entries:
            return [entry.name for entry in entries if entry.is_file() and _UPLOAD_ID.fullmatch(entry.name)]

    def _lock_path(self, upload_id: str) -> Path:
        return self.root / _LOCKS / _checked(upload_id)


def _checked(upload_id: str) -> str:
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise ValueError(f"not an upload id: {upload_id[:80]!r}")
    return upload_id


def _cut_tail(descriptor: int, upload_id: str, recorded: int) -> None:
    size = os.fstat(descriptor).st_size
    if size < recorded:
        raise _short(upload_id, size, recorded)
    if size > recorded:
        os.ftruncate(descriptor, recorded)


def _short(upload_id: str, size: int, recorded: int) -> StagingShort:
    return StagingShort(
        f"Upload {upload_id}: {recorded} bytes were acknowledged but only {size} are on disk. "
        "The upload cannot go on; check the disk and have the file sent again."
    )
