"""The few file-system moves whose order decides whether bytes survive a power cut."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from dataplane.errors import NoRoom, SyncFailed

_OFTEN = 10
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def no_room(error: OSError) -> bool:
    return error.errno in _FULL


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises SyncFailed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(folders: Iterable[Path]) -> None:
    for folder in set(folders):
        sync_folder(folder)


def sync_descriptor(descriptor: int) -> None:
    """Flush a file to the disk. Raises NoRoom, or SyncFailed, after which a second try would lie: the kernel
    has already dropped the pages it could not write."""
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        if no_room(error):
            raise NoRoom("The disk is full. Free space, then resume.") from error
        raise SyncFailed(f"The disk did not confirm the data: {error.strerror}. Resume from the offset.") from error


def make_folders(folder: Path, *, below: Path) -> list[Path]:
    """Create what is missing between `below`, which exists, and `folder`; answers the folders to sync."""
    missing = []
    while folder != below and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o755, exist_ok=True)
    return [each.parent for each in missing]


def name_in_folder(folder: Path, name: Callable[[], object], *, below: Path) -> list[Path]:
    """Create what is missing of `folder`, and call `name`, which names a file there; answers the folders to sync.

    Whoever removes the last file of a folder removes the folder, also between the two: then both are done once more.
    Raises what `name` raises; FileNotFoundError when it does so time and again.
    """
    touched: list[Path] = []
    tries_left = _OFTEN
    while True:
        tries_left -= 1
        try:
            touched += make_folders(folder, below=below)
            name()
        except FileNotFoundError:
            if not tries_left:
                raise
        else:
            return touched


def move(source: Path, target: Path) -> None:
    """Rename, or across file systems copy under a hidden name, flush, rename and unlink.

    Not yet durable: sync the target's folder. Raises NoRoom, and OSError as a rename does.
    """
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_across(source, target)


_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS})


def link_or_move(source: Path, target: Path) -> None:
    """A second name for a file, or a move where there are none. Raises FileExistsError and changes nothing when the
    target is there. Not yet durable: sync the target's folder."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        source.replace(target)


def link_at(source: Path, target: Path, *, by_way_of: Path) -> bool:
    """A second name for a file in one step, also where another file has that name; False where there are none.

    Raises as a rename does. Not yet durable: sync the target's folder.
    """
    waiting = by_way_of / secrets.token_hex(16)
    try:
        os.link(source, waiting, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    try:
        waiting.replace(target)
    finally:
        waiting.unlink(missing_ok=True)  # a rename to another name of the same file does nothing
    return True


def _copy_across(source: Path, target: Path) -> None:
    partial = target.with_name(f".{source.name}.part")
    try:
        shutil.copyfile(source, partial)
        with partial.open("rb+") as copy:
            sync_descriptor(copy.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if no_room(error):
            raise NoRoom("The storage folder is full. Free space, then try again.") from error
        raise
    source.unlink()
