"""One upload's file, open for writing at its recorded offset."""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from dataplane.errors import NoRoom
from dataplane.folders import no_room, sync_descriptor, sync_folder

_COPY_PIECE = 1024 * 1024
_BEGIN_EVERY = 8 * 1024 * 1024
_NO_COPY_IN_KERNEL = frozenset({errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


class StagingWriter:
    """Close it within the upload's lock. `offset` counts what was written, `synced` what a flush has confirmed."""

    def __init__(self, descriptor: int, offset: int, *, name_is_durable: bool, folder: Path) -> None:
        self._descriptor = descriptor
        self._folder = folder
        self._name_is_durable = name_is_durable
        self.offset = offset
        self.synced = offset
        self._begun = offset

    def write(self, piece: bytes | memoryview) -> None:
        """Write at the offset. Raises NoRoom; what fitted is written and counted."""
        rest = memoryview(piece)
        while rest:
            try:
                count = os.pwrite(self._descriptor, rest, self.offset)
            except OSError as error:
                _refuse_full_disk(error)
                raise
            self.offset += count
            rest = rest[count:]
        if self.offset - self._begun >= _BEGIN_EVERY:
            self._begin_writing_back()

    def copy(self, source: int, start: int, count: int) -> int:
        """Append up to `count` bytes of the descriptor `source` from `start` on; how many, 0 at its end.

        The kernel copies, and shares the blocks where the file system can (XFS, Btrfs). Raises NoRoom.
        """
        try:
            copied = os.copy_file_range(source, self._descriptor, count, start, self.offset)
        except OSError as error:
            _refuse_full_disk(error)
            if error.errno not in _NO_COPY_IN_KERNEL:
                raise
            piece = os.pread(source, min(count, _COPY_PIECE), start)
            self.write(piece)
            return len(piece)
        self.offset += copied
        return copied

    def sync(self) -> int:
        """Flush and return the offset that is now durable. Raises SyncFailed or NoRoom: then open again."""
        sync_descriptor(self._descriptor)
        if not self._name_is_durable:
            sync_folder(self._folder)
            self._name_is_durable = True
        self.synced = self.offset
        return self.synced

    def discard_unsynced(self) -> None:
        """Go back to what the last flush confirmed."""
        os.ftruncate(self._descriptor, self.synced)
        self.offset = self._begun = self.synced

    def _begin_writing_back(self) -> None:
        """Let the disk begin with what lies in memory, so that the next flush finds little left to wait for.

        Linux starts to write when it is told that pages are no longer needed, and keeps those that are being written.
        """
        os.posix_fadvise(self._descriptor, self._begun, self.offset - self._begun, os.POSIX_FADV_DONTNEED)
        self._begun = self.offset

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _refuse_full_disk(error: OSError) -> None:
    if no_room(error):
        raise NoRoom("The disk is full. Wait until there is room, then resume.") from error
