"""Files in plain folders: `<root>/<project>/<dataset>/<path>`, nothing else to read them but a file browser.

What has arrived but is not verified waits in `<root>/.received/<upload id>`, so a reader of the folders
never meets half a file or a corrupt one. A key is a relative path with `/`; a key that would lead outside
the root is refused, also by way of a symbolic link.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dataplane.errors import DataplaneError, NotStored, PathRefused, PathTaken
from dataplane.folders import make_folders, move, sync_folders

_RECEIVED = ".received"


@dataclass(frozen=True)
class Placement:
    """A received upload and the key where its file belongs."""

    upload_id: str
    key: str


class LocalStore:
    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        """Create the folders. Call it once at start."""
        (self.root / _RECEIVED).mkdir(mode=0o750, parents=True, exist_ok=True)

    def received_path(self, upload_id: str) -> Path:
        """Where an upload waits for verification; on the same file system as the store."""
        return self.path(f"{_RECEIVED}/{upload_id}")

    def path(self, key: str) -> Path:
        """The file of a key, which need not exist. Raises PathRefused when it would lie outside the root."""
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise PathRefused(f"{key[:120]!a} is no key of this store. Use a relative path without '..'.")
        path = self.root.joinpath(*parts)
        if not path.parent.resolve().is_relative_to(self.root.resolve()):
            raise PathRefused(f"{key[:120]!a} leads outside the storage folder. Remove the link on its way.")
        return path

    def open_received(self, placement: Placement) -> BinaryIO:
        """An upload's bytes for verification, unbuffered. Raises NotStored.

        Found where it waits, or at its key when a worker died after placing it and before saying so.
        """
        for path in (self.received_path(placement.upload_id), self.path(placement.key)):
            with suppress(FileNotFoundError, NotADirectoryError):
                return path.open("rb", buffering=0)
        raise NotStored(f"Upload {placement.upload_id} is not in the store. Send the file again.")

    def place(self, placements: Iterable[Placement]) -> dict[str, DataplaneError]:
        """Move verified uploads to their keys and make the new names durable, each folder once.

        Safe to repeat: one that was placed before counts as placed. Answers the failures by upload id
        (PathTaken, NotStored, NoRoom); the others are placed. A file at the key is replaced in one step.
        """
        failures: dict[str, DataplaneError] = {}
        touched: list[Path] = []
        for placement in placements:
            try:
                touched += self._move_to_key(placement)
            except DataplaneError as error:
                failures[placement.upload_id] = error
        sync_folders(touched)
        return failures

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        """The file of a key, unbuffered, at `offset` bytes. Raises NotStored."""
        try:
            stream = self.path(key).open("rb", buffering=0)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _not_stored(key) from error
        stream.seek(offset)
        return stream

    def size(self, key: str) -> int:
        """In bytes. Raises NotStored."""
        try:
            return self.path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _not_stored(key) from error

    def delete(self, key: str) -> None:
        """Remove a file, and the folders that it leaves empty, up to the root. Gone already is fine."""
        path = self.path(key)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root:
                break
            with suppress(FileNotFoundError):
                if not _remove_if_empty(folder):
                    break

    def delete_received(self, upload_id: str) -> None:
        self.received_path(upload_id).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """What an unprivileged process can still write here, in bytes."""
        return shutil.disk_usage(self.root).free

    def _move_to_key(self, placement: Placement) -> list[Path]:
        source, target = self.received_path(placement.upload_id), self.path(placement.key)
        try:
            made = make_folders(target.parent, below=self.root)
            move(source, target)
        except FileNotFoundError as error:
            if target.is_file():
                return [target.parent]
            raise NotStored(f"{placement.key!a} is not in the store. Send it again.") from error
        except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
            raise PathTaken(
                f"{placement.key!a}: a file and a folder want the same name. Rename one of them."
            ) from error
        return [target.parent, *made]


def _not_stored(key: str) -> NotStored:
    return NotStored(f"{key[:120]!a} is not in the store. It was moved or removed outside of the portal.")


def _remove_if_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        if any(entries):
            return False
    folder.rmdir()
    return True
