"""Small files of a far store are asked for while the ones before them go out, in bounded memory."""

import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from dataplane.errors import NotStored
from dataplane.filepieces import OpenSource, SourceChanged
from dataplane.readahead import ReadAhead
from dataplane.ziplayout import SourceSlice
from dataplane.zipstream import Opening, one_by_one
from tests.dataplane.zip_samples import layout_of, source_of, zip_bytes

SMALL = {f"{number:03d}.tif": bytes([number]) * 1000 for number in range(40)}
FILES = SMALL | {"large.mrc": bytes(range(256)) * 4096 * 3}
MIB = 2**20


def pieces(open_source: OpenSource, opening: Opening) -> Iterator[bytes]:
    layout = layout_of(FILES)
    return zip_bytes(layout, 0, layout.total, open_source, piece=500, opening=opening)


def zipped(open_source: OpenSource, opening: Opening) -> bytes:
    return b"".join(pieces(open_source, opening))


class Watched:
    """A source that tells what was opened, and how many at a time."""

    def __init__(self) -> None:
        self._several, self._lock = threading.Event(), threading.Lock()
        self.opened: list[str] = []

    def __call__(self, part: SourceSlice) -> BinaryIO:
        with self._lock:
            self.opened.append(part.path)
        if len(self.opened) >= 4:
            self._several.set()
        assert self._several.wait(60), "four were never asked for at a time"
        return source_of(FILES)(part)


def test_it_is_the_same_zip_with_several_files_asked_for_at_a_time() -> None:
    source = Watched()
    assert zipped(source, ReadAhead(threads=4, room=MIB)) == zipped(source_of(FILES), one_by_one)
    assert sorted(source.opened) == sorted(FILES)


def test_files_are_asked_for_ahead_to_the_end() -> None:
    """Each waits for the one after the next: a stream that goes on one by one would never end."""
    order = sorted(SMALL)
    begun = {path: threading.Event() for path in order}

    def source(part: SourceSlice) -> BinaryIO:
        if part.path in begun:
            begun[part.path].set()
            later = order[min(order.index(part.path) + 2, len(order) - 1)]
            assert begun[later].wait(60)
        return source_of(FILES)(part)

    assert zipped(source, ReadAhead(threads=4, room=MIB)) == zipped(source_of(FILES), one_by_one)


@pytest.mark.parametrize(("room", "ahead"), [(0, 0), (2999, 2), (MIB, 16)])
def test_what_waits_is_bounded_and_given_back_when_the_client_leaves(room: int, ahead: int) -> None:
    opened: list[str] = []

    def source(part: SourceSlice) -> BinaryIO:
        opened.append(part.path)
        return source_of(FILES)(part)

    reading = ReadAhead(threads=1, room=room)
    for _ in range(20):
        opened.clear()
        stream = pieces(source, reading)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        assert len(opened) <= max(ahead, 1)
    assert zipped(source, reading) == zipped(source_of(FILES), one_by_one)


def test_a_file_that_cannot_be_opened_ends_the_stream_when_its_turn_has_come() -> None:
    def source(part: SourceSlice) -> BinaryIO:
        if part.path == "007.tif":
            raise NotStored("007.tif is gone.")
        return source_of(FILES)(part)

    came: list[bytes] = []
    with pytest.raises(NotStored, match="gone"):
        came.extend(pieces(source, ReadAhead(threads=4, room=MIB)))
    assert SMALL["006.tif"][:500] in b"".join(came)
    assert SMALL["008.tif"][:500] not in b"".join(came)


@pytest.mark.parametrize("other", [SMALL["007.tif"] + b"x", SMALL["007.tif"][:-1], SMALL["007.tif"][:-1] + b"x"])
def test_a_file_that_was_changed_is_noticed(other: bytes) -> None:
    with pytest.raises(SourceChanged, match=r"007\.tif"):
        zipped(source_of(FILES | {"007.tif": other}), ReadAhead(threads=4, room=MIB))
