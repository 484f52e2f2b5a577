"""What `dataplane.store.Store` promises, asked of each kind."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest

from dataplane.checksums import Digests
from dataplane.errors import NotStored, PathRefused, ReadBackDiffers, SourceCut, WrittenMeanwhile
from dataplane.store import Placement, Store, put_checked

LARGE = bytes(range(256)) * (40 * 2**20 // 256)  # three parts of S3


def put(store: Store, key: str, data: bytes) -> None:
    store.put(key, BytesIO(data), len(data))


def content(store: Store, key: str) -> bytes:
    with store.open(key) as stream:
        return stream.read()


def digests(data: bytes) -> Digests:
    return Digests(len(data), hashlib.sha256(data).hexdigest(), zlib.crc32(data))


class Interrupting:
    """A source during whose reading something happens."""

    def __init__(self, data: bytes, happens: Callable[[], None]) -> None:
        self._source, self._happens = BytesIO(data), happens

    def readinto(self, buffer: memoryview, /) -> int:
        happens, self._happens = self._happens, lambda: None
        happens()
        return self._source.readinto(buffer)


@pytest.mark.parametrize("data", [b"", b"12345", LARGE], ids=["empty", "small", "large"])
def test_what_is_put_can_be_read_back(store: Store, data: bytes) -> None:
    told: list[int] = []
    store.put("em/set/a.tif", BytesIO(data), len(data), told.append)
    assert store.size("em/set/a.tif") == len(data)
    assert content(store, "em/set/a.tif") == data
    assert told == sorted(told)
    assert (told or [0])[-1] == len(data)


def test_a_file_is_read_from_any_byte(store: Store) -> None:
    put(store, "em/set/a.tif", b"0123456789")
    for start, stop, found in [(7, None, b"789"), (0, None, b"0123456789"), (3, 5, b"34"), (10, None, b"")]:
        with store.open("em/set/a.tif", start, stop) as stream:
            assert stream.read(len(found)) == found
    with store.open("em/set/a.tif", 9) as stream:
        assert (stream.read(1), stream.read(1)) == (b"9", b"")


def test_a_file_is_replaced_in_one_step(store: Store) -> None:
    put(store, "em/set/a.tif", b"old")
    seen: list[bytes] = []
    store.put("em/set/a.tif", Interrupting(b"newer", lambda: seen.append(content(store, "em/set/a.tif"))), 5)
    assert (seen, content(store, "em/set/a.tif")) == ([b"old"], b"newer")


@pytest.mark.parametrize("size", [4, len(LARGE)], ids=["small", "large"])
@pytest.mark.parametrize("was_there", [False, True])
def test_a_writer_who_comes_late_does_not_replace_what_is_newer(store: Store, size: int, was_there: bool) -> None:
    if was_there:
        put(store, "em/set/a.tif", b"first")
    late = Interrupting(LARGE[:size], lambda: put(store, "em/set/a.tif", b"newer"))
    with pytest.raises(WrittenMeanwhile):
        store.put("em/set/a.tif", late, size)
    assert content(store, "em/set/a.tif") == b"newer"
    assert store.keys("em") == ["em/set/a.tif"]


@pytest.mark.parametrize("size", [6, len(LARGE) + 1], ids=["small", "large"])
def test_a_source_that_ends_early_leaves_nothing(store: Store, size: int) -> None:
    with pytest.raises(SourceCut):
        store.put("em/set/a.tif", BytesIO(LARGE[: size - 1]), size)
    assert store.keys("em") == []
    assert store.remove_unfinished(datetime.now(UTC) + timedelta(days=1)) == []


def test_what_is_not_there_is_not_stored(store: Store) -> None:
    put(store, "em/set/a.tif", b"1")
    for key in ("em/set/b.tif", "em/set", "em/set/a.tif/below"):
        with pytest.raises(NotStored):
            store.open(key)
    with pytest.raises(NotStored):
        store.size("em/set/b.tif")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "em/../../x", "em//x", "./x", "em/x\0y"])
def test_a_key_that_is_none_is_refused(store: Store, key: str) -> None:
    for act in (store.open, store.size, store.delete):
        with pytest.raises(PathRefused):
            act(key)


def test_names_that_people_give_are_keys(store: Store) -> None:
    names = ["with space +&=.tif", "日本語 ü é.tif", "100%20b#?.tif", "quote'\"<>.tif", "n" * 250, ".hidden"]
    keys = sorted(f"em/set/{name}" for name in names)
    for key in keys:
        put(store, key, key.encode())
    assert store.keys("em/set") == keys
    assert [content(store, key).decode() for key in keys] == keys


def test_deleting_twice_is_deleting_once(store: Store) -> None:
    put(store, "em/set/a.tif", b"1")
    put(store, "em/set/b.tif", b"2")
    store.delete("em/set/a.tif")
    store.delete("em/set/a.tif")
    assert store.keys("em") == ["em/set/b.tif"]


def test_a_second_name_is_given_once_and_stays_when_the_first_is_replaced(store: Store) -> None:
    put(store, "em/set/a.tif", b"old")
    aside = Placement("em/set/a.tif", ".versions/7")
    assert store.set_aside([aside, Placement("em/set/gone.tif", ".versions/8")]) == ["em/set/gone.tif"]
    put(store, "em/set/a.tif", b"newer")
    assert store.set_aside([aside]) == []
    assert (content(store, ".versions/7"), content(store, "em/set/a.tif")) == (b"old", b"newer")
    assert store.keys(".versions") == [".versions/7"]
    assert store.keys("em") == ["em/set/a.tif"]


def test_keys_are_those_below_a_folder_and_not_beside_it(store: Store) -> None:
    for key in ("em/set/deep/b", "em/set/a", "em/set-2/c"):
        put(store, key, b"1")
    assert store.keys("em/set") == ["em/set/a", "em/set/deep/b"]
    assert store.keys("em/none") == []


def test_what_is_put_checked_is_what_was_meant(store: Store) -> None:
    put_checked(store, "em/set/a.tif", BytesIO(b"12345"), digests(b"12345"))
    assert content(store, "em/set/a.tif") == b"12345"


def test_what_reads_back_as_something_else_is_removed_and_said(store: Store) -> None:
    with pytest.raises(ReadBackDiffers):
        put_checked(store, "em/set/a.tif", BytesIO(b"1234X"), digests(b"12345"))
    assert store.keys("em") == []


def test_a_copy_inside_a_store_outlives_its_original(store: Store) -> None:
    put(store, "em/set/a.tif", b"12345")
    put(store, "lab/set/b.tif", b"other")
    for _ in range(2):
        store.copy("em/set/a.tif", "lab/set/b.tif")
    put(store, "em/set/a.tif", b"newer")
    store.delete("em/set/a.tif")
    assert content(store, "lab/set/b.tif") == b"12345"
    assert store.keys("lab") == ["lab/set/b.tif"]
    with pytest.raises(NotStored):
        store.copy("em/set/a.tif", "lab/set/c.tif")
