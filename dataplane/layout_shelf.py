"""Zip layouts as files in a folder, each made once for all processes and mapped into memory where it is used.

    <root>/<owner>/<revision>.<part>

A layout never changes: a new revision is a new file, and the old one stays for downloads that began with it until the
room is needed or nobody has used it for long (`sweep`). All of it can be made again, so it may be deleted at any time.
"""

import errno
import io
import mmap
import os
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import IO, NamedTuple

from dataplane.columns import BrokenColumns
from dataplane.ziplayout import ZipLayout

WHOLE = "all"
Write = Callable[[IO[bytes], str | None], None]  # the layout into a file; a folder for temporary files, None: in memory

_MOST_MAPPED = 200
_TOUCH_EVERY = 3600.0  # seconds; the file's time says when it was last used
_DAY = 86400.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
_UNFINISHED = ".unfinished-"


class Key(NamedTuple):
    """`part` is the whole, or a fingerprint of what was selected."""

    owner: str
    revision: int
    part: str = WHOLE


class LayoutShelf:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = Lock()
        self._mapped: OrderedDict[Key, tuple[ZipLayout, float]] = OrderedDict()
        self._making: dict[Key, Lock] = {}

    def find(self, key: Key) -> ZipLayout | None:
        """Cost: nothing that grows with the number of files."""
        with self._lock:
            if known := self._mapped.get(key):
                layout, touched = known
                self._mapped.move_to_end(key)
                if time.monotonic() - touched < _TOUCH_EVERY:
                    return layout
        path = self._path(key)
        try:
            os.utime(path)
            layout = _open(path)
        except FileNotFoundError:
            return known[0] if known else None
        except BrokenColumns:
            path.unlink(missing_ok=True)
            return None
        self._remember(key, layout)
        return layout

    def get(self, key: Key, write: Write, *, fits: Callable[[ZipLayout], bool] = lambda layout: True) -> ZipLayout:
        """The layout of `key`; one that is missing or does not fit is made by `write`, which may find a newer revision.

        Made once, however many threads ask at a time. Raises what `write` raises.
        """
        if (layout := self.find(key)) and fits(layout):
            return layout
        with self._lock:
            turn = self._making.setdefault(key, Lock())
        try:
            with turn:
                layout = self.find(key)
                return layout if layout and fits(layout) else self._make(key, write)
        finally:
            with self._lock:
                self._making.pop(key, None)

    def forget(self) -> None:
        """What is mapped; the files stay."""
        with self._lock:
            self._mapped.clear()

    def remove(self, owner: str) -> None:
        """All layouts of `owner`; a download under way reads on."""
        with self._lock:
            for key in [key for key in self._mapped if key.owner == owner]:
                del self._mapped[key]
        shutil.rmtree(self._root / owner, ignore_errors=True)

    def sweep(self, *, room: int, unused_since: float) -> int:
        """Remove what was not used since then, and what was used least as long as all take more than `room` bytes.

        The number removed. Times are seconds since 1970.
        """
        used = sorted(self._files(), reverse=True)
        total = removed = 0
        for at, size, path in used:
            total += size
            stale = at < time.time() - _DAY if _UNFINISHED in path.name else at < unused_since
            if stale or total > room:
                path.unlink(missing_ok=True)
                removed += 1
        for folder in {path.parent for _, _, path in used}:
            with suppress(OSError):  # not empty
                folder.rmdir()
        return removed

    def _make(self, key: Key, write: Write) -> ZipLayout:
        try:
            layout = self._make_file(key, write)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            with io.BytesIO() as out:  # downloads go on while the disk is full
                write(out, None)
                layout = ZipLayout(memoryview(out.getvalue()))
        self._remember(key._replace(revision=layout.revision), layout)
        return layout

    def _make_file(self, key: Key, write: Write) -> ZipLayout:
        folder = self._root / key.owner
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=_UNFINISHED, delete=False) as out:
            try:
                write(out, str(folder))
                out.flush()
                os.fsync(out.fileno())
                layout = _open(Path(out.name))
                Path(out.name).replace(self._path(key._replace(revision=layout.revision)))
            except BaseException:
                Path(out.name).unlink(missing_ok=True)
                raise
        return layout

    def _remember(self, key: Key, layout: ZipLayout) -> None:
        with self._lock:
            self._mapped[key] = layout, time.monotonic()
            self._mapped.move_to_end(key)
            while len(self._mapped) > _MOST_MAPPED:
                self._mapped.popitem(last=False)

    def _path(self, key: Key) -> Path:
        return self._root / key.owner / f"{key.revision}.{key.part}"

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._root.glob("*/*"):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path


def _open(path: Path) -> ZipLayout:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise BrokenColumns("The file is empty.")
        return ZipLayout(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
