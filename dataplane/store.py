"""What every store of verified files can do, whatever it is made of, and the one way in which a file gets into it.

A key is a relative path with `/`: `<project>/<dataset>/<path>`, or `.versions/<id>` for an older version. What is in a
store is whole: a file appears at its key, or replaces the one there, in one step.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader, FileIO
from typing import Protocol

from dataplane.checksums import Digests, Reader, digest
from dataplane.errors import ReadBackDiffers

VERSIONS = ".versions"

Stream = FileIO | BufferedReader
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Placement:
    """From the key where bytes are to the key where they belong."""

    source: str
    target: str


def unheeded(done: int) -> None:
    """The progress of what nobody watches."""


class Store(Protocol):
    """Besides what each says, all raise PathRefused for a key that is none, and StoreTrouble or OSError for trouble
    that may pass. All but `prepare` may be called from several threads."""

    far: bool  # each call waits for an answer over a line: who needs many files asks for several at a time

    def prepare(self) -> None:
        """Make ready what must be there, and see that it answers. Call it once at start."""

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Stream:
        """The file of a key, at `start` bytes. Raises NotStored.

        `stop` is where the caller will stop reading: what lies behind it need not be fetched. The stream goes on where
        it was after a broken line, and ends with an error when the file was replaced meanwhile.
        """

    def size(self, key: str) -> int:
        """In bytes. Raises NotStored."""

    def put(self, key: str, source: Reader, size: int, progress: Progress = unheeded) -> None:
        """Store `size` bytes of `source` durably; the file at the key is replaced in one step, when all have come.

        `progress` is told the bytes stored so far. Raises SourceCut, NoRoom, PathTaken, and WrittenMeanwhile when
        somebody else wrote this key after this call began: theirs stays.
        """

    def copy(self, source: str, target: str) -> None:
        """The same bytes at a second key, in one step and durably, as cheaply as the store can; what is there is
        replaced. Neither key is touched by what happens to the other later. Raises NotStored, NoRoom, PathTaken."""

    def delete(self, key: str) -> None:
        """Gone already is fine."""

    def set_aside(self, placements: Iterable[Placement]) -> list[str]:
        """Give stored files a second, durable name before others replace them; the keys of those that are gone.

        A second name that exists is left alone: it was given before.
        """

    def keys(self, folder: str) -> list[str]:
        """Of all files below `folder`, sorted."""

    def remove_unfinished(self, before: datetime) -> list[str]:
        """Remove what puts that began before then, and died, have left; what it was, for a log."""


def put_checked(store: Store, key: str, source: Reader, expected: Digests, progress: Progress = unheeded) -> None:
    """Store a file and read it back. Raises ReadBackDiffers, when it is removed again, and as `Store.put`.

    `progress` is told of bytes written, then of bytes read.
    """
    store.put(key, source, expected.size, progress)
    with store.open(key) as stored:
        found = digest(_Watched(stored, progress))
    if (found.size, found.sha256) != (expected.size, expected.sha256):
        store.delete(key)
        raise ReadBackDiffers(
            f"{key[:120]!a} was stored, but reads back as other bytes. Look after the store; it is tried again."
        )


class _Watched:
    def __init__(self, source: Reader, progress: Progress) -> None:
        self._source, self._progress, self._done = source, progress, 0

    def readinto(self, buffer: memoryview, /) -> int | None:
        count = self._source.readinto(buffer)
        self._done += count or 0
        self._progress(self._done)
        return count
