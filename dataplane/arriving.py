"""A file on its way into a folder store: under a name nobody reads until it is whole and flushed."""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from dataplane.checksums import Reader
from dataplane.errors import NoRoom, SourceCut, WrittenMeanwhile
from dataplane.folders import no_room, sync_descriptor
from dataplane.store import Progress

_PIECE = 1024 * 1024
Mark = tuple[int, int, int] | None


class FileArriving:
    """Use it with `with`: what was not moved is removed. Folder and target lie on one file system."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._target, self._found = target, _mark(target)
        self._path = folder / secrets.token_hex(16)
        self._file = self._path.open("xb", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def fill(self, source: Reader, size: int, progress: Progress) -> None:
        """Write `size` bytes and flush them. Raises SourceCut, NoRoom, SyncFailed, OSError."""
        piece, done = memoryview(bytearray(min(_PIECE, max(size, 1)))), 0
        while done < size:
            count = source.readinto(piece[: size - done])
            if not count:
                raise SourceCut(f"What was to be stored ended at byte {done} of {size}. Look at where it comes from.")
            self._write(piece[:count])
            done += count
            progress(done)
        sync_descriptor(self._file.fileno())

    def move(self) -> None:
        """To the target, in one step; not yet durable. Raises WrittenMeanwhile, and OSError as a rename does."""
        if _mark(self._target) != self._found:
            raise WrittenMeanwhile(f"{self._target.name!a} was written by somebody else meanwhile. Theirs is kept.")
        self._path.chmod(0o644)
        self._path.replace(self._target)

    def _write(self, piece: memoryview) -> None:
        try:
            while piece:
                piece = piece[os.write(self._file.fileno(), piece) :]
        except OSError as error:
            if no_room(error):
                raise NoRoom("The storage folder is full. Free space, then try again.") from error
            raise


def _mark(path: Path) -> Mark:
    """Tells one file at a path from the next."""
    try:
        stat = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
