"""Files in plain folders: `<root>/<project>/<dataset>/<path>`, nothing else to read them but a file browser.

What has arrived but is not verified waits under `<root>/.received/`, so a reader of the folders
never meets half a file or a corrupt one. A key is a relative path with `/`; a key that would lead outside
the root is refused, also by way of a symbolic link.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import FileIO
from pathlib import Path

from dataplane.arriving import FileArriving
from dataplane.checksums import Digests, Reader
from dataplane.errors import DataplaneError, NotStored, PathRefused, PathTaken
from dataplane.folders import link_at, link_or_move, make_folders, move, name_in_folder, sync_folders
from dataplane.store import VERSIONS, Placement, Progress, unheeded
from dataplane.unpacking import Piece, unpack

RECEIVED = ".received"
ARRIVING = ".arriving"
_OWN = (RECEIVED, ARRIVING, VERSIONS)
_LOOKED_AT = 1.0  # seconds for which a folder that was no way out of the root is believed to be none
_REMEMBERED = 1000  # folders


@dataclass(frozen=True, slots=True)
class MemberPiece:
    """Content of a bundle's member: `size` bytes at `offset`, to be written to `key`; `mtime_ns` since 1970 UTC."""

    key: str
    offset: int
    size: int
    mtime_ns: int | None


class LocalStore:
    far = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = os.path.realpath(root)
        self._inside: dict[str, float] = {}

    def prepare(self) -> None:
        """Create the folders. Call it once at start."""
        for folder in _OWN:
            (self.root / folder).mkdir(mode=0o750, parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        """The file of a key, which need not exist. Raises PathRefused when it would lie outside the root."""
        path = self._named(key)
        self._look_at(path.rpartition("/")[0], key)
        return Path(path)

    def _path(self, key: str) -> str:
        """As `path`, for reading and for many files at once: the folder may have been looked at a second ago.

        A string: for a small file a `Path` costs more than to open and read it.
        """
        path = self._named(key)
        folder = path.rpartition("/")[0]
        if time.monotonic() - self._inside.get(folder, -_LOOKED_AT) >= _LOOKED_AT:
            self._look_at(folder, key)
        return path

    def _named(self, key: str) -> str:
        if any(part in ("", ".", "..") for part in key.split("/")) or "\0" in key:
            raise PathRefused(f"{key[:120]!a} is no key of this store. Use a relative path without '..'.")
        return f"{self.root}/{key}"

    def _look_at(self, folder: str, key: str) -> None:
        """Whether symbolic links lead out of the root. Raises PathRefused."""
        if not Path(os.path.realpath(folder)).is_relative_to(self._real_root):
            raise PathRefused(f"{key[:120]!a} leads outside the storage folder. Remove the link on its way.")
        if len(self._inside) >= _REMEMBERED:
            self._inside.clear()
        self._inside[folder] = time.monotonic()

    def open_received(self, placement: Placement) -> FileIO:
        """Received bytes for verification, unbuffered. Raises NotStored.

        Found where they wait, or at their target when a worker died after placing them and before saying so.
        """
        for path in (self.path(placement.source), self.path(placement.target)):
            with suppress(FileNotFoundError, NotADirectoryError):
                return path.open("rb", buffering=0)
        raise NotStored(f"{placement.target!a} is not in the store. Send it again.")

    def unpack(self, source: str, pieces: Sequence[MemberPiece]) -> list[Digests]:
        """Members of the bundle at the key `source`, each written to its own key, all flushed, then read back.

        Raises NotStored for the bundle, NoRoom, SyncFailed, OSError.
        """
        targets = [Piece(each.offset, each.size, each.mtime_ns, self._path(each.key)) for each in pieces]
        with self.open(source) as bundle:
            return unpack(bundle.fileno(), targets, below=self.root)

    def place(self, placements: Iterable[Placement]) -> dict[str, DataplaneError]:
        """Move verified uploads to their keys and make the new names durable, each folder once.

        Safe to repeat: one that was placed before counts as placed. Answers the failures by source key
        (PathTaken, NotStored, NoRoom); the others are placed. A file at the key is replaced in one step.
        """
        failures: dict[str, DataplaneError] = {}
        touched: list[Path] = []
        folders = _Folders(self.root)
        for placement in placements:
            try:
                touched += self._move_to_key(placement, folders)
            except DataplaneError as error:
                failures[placement.source] = error
        sync_folders(touched)
        return failures

    def open(self, key: str, start: int = 0, stop: int | None = None) -> FileIO:
        """The file of a key, unbuffered, at `start` bytes. Raises NotStored."""
        try:
            stream = FileIO(self._path(key))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise _not_stored(key) from error
        if start:
            stream.seek(start)
        return stream

    def size(self, key: str) -> int:
        """In bytes. Raises NotStored."""
        try:
            return self.path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _not_stored(key) from error

    def put(self, key: str, source: Reader, size: int, progress: Progress = unheeded) -> None:
        """As `Store.put`: written beside the folders that people read, flushed, and moved to its key."""
        target = self.path(key)
        with FileArriving(self.root / ARRIVING, target) as arriving:
            arriving.fill(source, size, progress)
            try:
                made = name_in_folder(target.parent, arriving.move, below=self.root)
            except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
                raise _path_taken(key) from error
        sync_folders([target.parent, *made])

    def copy(self, source: str, target: str) -> None:
        """As `Store.copy`: a second name, since no file here is ever changed in place; else the bytes once more."""
        path, linked = self.path(target), []
        link = partial(link_at, self.path(source), path, by_way_of=self.root / ARRIVING)
        try:
            made = name_in_folder(path.parent, lambda: linked.append(link()), below=self.root)
            if linked[-1]:
                sync_folders([path.parent, *made])
                return
        except (FileExistsError, IsADirectoryError) as error:
            raise _path_taken(target) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _not_stored(source) from error
        with self.open(source) as stream:
            self.put(target, stream, self.size(source))

    def remove_unfinished(self, before: datetime) -> list[str]:
        """As `Store.remove_unfinished`."""
        removed = []
        for path in (self.root / ARRIVING).iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    removed.append(f"{ARRIVING}/{path.name}")
        return removed

    def delete(self, key: str) -> None:
        """Remove a file, and the folders that it leaves empty, up to the root. Gone already is fine."""
        path = self.path(key)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder in (self.root, *(self.root / own for own in _OWN)):
                break
            with suppress(FileNotFoundError):
                if not _remove_if_empty(folder):
                    break

    def received_keys(self) -> list[str]:
        """What waits for verification, for a sweep that compares it with the records."""
        return [f"{RECEIVED}/{path.name}" for path in (self.root / RECEIVED).iterdir() if path.is_file()]

    def set_aside(self, placements: Iterable[Placement]) -> list[str]:
        """Give stored files a second, durable name before others replace them; the keys of those that are gone.

        A second name that exists is left alone: it was given before. Where the file system knows no second names the
        file is moved, and is missing at its key until it is replaced.
        """
        missing: list[str] = []
        touched: set[Path] = set()
        for placement in placements:
            source, target = self.path(placement.source), self.path(placement.target)
            try:
                link_or_move(source, target)
            except FileExistsError:
                continue
            except (FileNotFoundError, NotADirectoryError):
                missing.append(placement.source)
                continue
            touched.add(target.parent)
        sync_folders(touched)
        return missing

    def keys(self, folder: str) -> list[str]:
        """Of all files below `folder`, sorted."""
        walk = os.walk(self.path(folder))
        return sorted(Path(at, name).relative_to(self.root).as_posix() for at, _, names in walk for name in names)

    def free_bytes(self) -> int:
        """What an unprivileged process can still write here, in bytes."""
        return shutil.disk_usage(self.root).free

    def _move_to_key(self, placement: Placement, folders: "_Folders") -> list[Path]:
        source, target = Path(self._path(placement.source)), Path(self._path(placement.target))
        try:
            made = folders.make(target.parent)
            move(source, target)
        except FileNotFoundError as error:
            if target.is_file():
                return [target.parent]
            if source.is_file():  # the folder went meanwhile, with its last file
                return [target.parent, *name_in_folder(target.parent, partial(move, source, target), below=self.root)]
            raise NotStored(f"{placement.target!a} is not in the store. Send it again.") from error
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            raise _path_taken(placement.target) from error
        return [target.parent, *made]


class _Folders:
    """The folders of many keys, each made once: that costs more than the move of a small file."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: set[Path] = set()

    def make(self, folder: Path) -> list[Path]:
        """The folders to sync for what was missing."""
        if folder in self._made:
            return []
        touched = make_folders(folder, below=self._root)
        self._made.add(folder)
        return touched


def _not_stored(key: str) -> NotStored:
    return NotStored(f"{key[:120]!a} is not in the store. It was moved or removed outside of the portal.")


def _path_taken(key: str) -> PathTaken:
    return PathTaken(f"{key[:120]!a}: a file and a folder want the same name. Rename one of them.")


def _remove_if_empty(folder: Path) -> bool:
    """Without looking first: a folder may hold a million names, and each file that goes would have it read."""
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True
