"""Layouts on disk: made once, read from their file by every process, given up without harm."""

import errno
import io
import os
import time
from pathlib import Path
from threading import Barrier, Thread
from typing import IO

import pytest

from dataplane.layout_shelf import Key, LayoutShelf, Write
from dataplane.ziplayout import ZipLayout
from dataplane.ziplayout_writer import LayoutWriter
from tests.dataplane.zip_samples import entry

KEY = Key("set", 1)


def write(files: int, revision: int = 1) -> Write:
    def into(out: IO[bytes], temporary: str | None) -> None:
        with LayoutWriter("set", temporary=temporary) as writer:
            writer.add(entry(f"{number:04d}", b"") for number in range(files))
            writer.finish(out, revision=revision, manifest_time=0)

    return into


def refuse(out: IO[bytes], temporary: str | None) -> None:
    raise AssertionError("It should have been known.")


@pytest.fixture
def shelf(tmp_path: Path) -> LayoutShelf:
    return LayoutShelf(tmp_path / "layouts")


def another(shelf: LayoutShelf) -> LayoutShelf:
    """As another process sees the same folder."""
    return LayoutShelf(shelf._root)


def names(shelf: LayoutShelf) -> list[str]:
    return sorted(path.name for path in shelf._root.glob("*/*"))


def test_a_layout_is_made_once_for_all_processes(shelf: LayoutShelf) -> None:
    layout = shelf.get(KEY, write(3))
    assert shelf.get(KEY, refuse) is layout
    assert another(shelf).get(KEY, refuse).etag == layout.etag
    assert names(shelf) == ["1.all"]


def test_the_zip_of_an_old_revision_stays_beside_the_new_one(shelf: LayoutShelf) -> None:
    old, new = shelf.get(KEY, write(3)), shelf.get(KEY._replace(revision=2), write(4, revision=2))
    fresh = another(shelf)
    found = [fresh.find(KEY), fresh.find(KEY._replace(revision=2))]
    assert [layout.etag for layout in found if layout] == [old.etag, new.etag]


def test_a_revision_that_came_meanwhile_is_kept_under_its_own_number(shelf: LayoutShelf) -> None:
    assert shelf.get(KEY, write(4, revision=2)).revision == 2
    assert shelf.find(KEY) is None
    assert shelf.get(KEY._replace(revision=2), refuse).file_count == 4


def test_one_that_does_not_fit_is_made_again(shelf: LayoutShelf) -> None:
    shelf.get(KEY, write(3))
    assert shelf.get(KEY, write(5), fits=lambda layout: layout.file_count == 5).file_count == 5
    assert another(shelf).get(KEY, refuse).file_count == 5


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"x" * 500])
def test_a_broken_file_is_made_again(shelf: LayoutShelf, damage: bytes) -> None:
    shelf.get(KEY, write(3))
    (shelf._root / "set" / "1.all").write_bytes(damage)
    assert another(shelf).get(KEY, write(3)).file_count == 3


def test_a_file_that_was_cut_is_made_again(shelf: LayoutShelf) -> None:
    shelf.get(KEY, write(3))
    place = shelf._root / "set" / "1.all"
    os.truncate(place, place.stat().st_size - 1)
    assert another(shelf).get(KEY, write(3)).file_count == 3


def test_many_who_ask_at_once_wait_for_one_that_makes_it(shelf: LayoutShelf) -> None:
    together, made = Barrier(8), []

    def count_and_write(out: IO[bytes], temporary: str | None) -> None:
        made.append(1)
        time.sleep(0.05)
        write(50)(out, temporary)

    def ask() -> None:
        together.wait()
        shelf.get(KEY, count_and_write)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_one_that_could_not_be_made_leaves_nothing_and_is_tried_again(shelf: LayoutShelf) -> None:
    with pytest.raises(AssertionError):
        shelf.get(KEY, refuse)
    assert names(shelf) == []
    assert shelf.get(KEY, write(3)).file_count == 3


def test_a_full_disk_does_not_stop_downloads(shelf: LayoutShelf) -> None:
    def on_a_full_disk(out: IO[bytes], temporary: str | None) -> None:
        if temporary is not None:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(3)(out, temporary)

    layout = shelf.get(KEY, on_a_full_disk)
    assert (layout.file_count, names(shelf)) == (3, [])
    assert shelf.get(KEY, refuse) is layout


def used(shelf: LayoutShelf, owner: str, days_ago: float, files: int = 3) -> Path:
    shelf.get(Key(owner, 1), write(files))
    path = shelf._root / owner / "1.all"
    os.utime(path, (time.time() - days_ago * 86400,) * 2)
    return path


def test_what_was_not_used_for_long_goes_and_its_folder(shelf: LayoutShelf) -> None:
    old, new = used(shelf, "old", 31), used(shelf, "new", 1)
    assert shelf.sweep(room=10**9, unused_since=time.time() - 30 * 86400) == 1
    assert (old.parent.exists(), new.exists()) == (False, True)


def test_what_was_used_least_goes_when_the_room_is_needed(shelf: LayoutShelf) -> None:
    paths = [used(shelf, str(days), days) for days in (3, 1, 2)]
    room = 2 * paths[0].stat().st_size
    assert shelf.sweep(room=room, unused_since=0) == 1
    assert [path.exists() for path in paths] == [False, True, True]


def test_using_one_keeps_it(shelf: LayoutShelf) -> None:
    path = used(shelf, "old", 31)
    another(shelf).find(Key("old", 1))
    assert shelf.sweep(room=10**9, unused_since=time.time() - 30 * 86400) == 0
    assert path.exists()


def test_what_a_killed_process_left_goes_after_a_day(shelf: LayoutShelf) -> None:
    used(shelf, "set", 0)
    left = shelf._root / "set" / ".unfinished-abc"
    left.write_bytes(b"half")
    assert shelf.sweep(room=10**9, unused_since=0) == 0
    os.utime(left, (time.time() - 90_000,) * 2)
    assert shelf.sweep(room=10**9, unused_since=0) == 1


def test_one_that_was_swept_while_it_is_in_use_can_be_read_on(shelf: LayoutShelf) -> None:
    layout = shelf.get(KEY, write(5000))
    shelf.sweep(room=0, unused_since=0)
    with io.BytesIO() as out:
        write(5000)(out, None)
        same = ZipLayout(memoryview(out.getvalue()))
    assert list(layout.segments(0, layout.total)) == list(same.segments(0, same.total))
