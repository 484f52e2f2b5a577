"""Bytes beyond the recorded offset are cut, bytes missing below it are an incident."""

import errno
import os
from pathlib import Path

import pytest

from dataplane import staging_writer
from dataplane.errors import NoRoom, StagingMissing, StagingShort, SyncFailed
from dataplane.staging import StagingArea

ID = "upload-1"


@pytest.fixture
def area(tmp_path: Path) -> StagingArea:
    area = StagingArea(tmp_path / "staging")
    area.prepare()
    return area


def write(area: StagingArea, data: bytes, recorded: int = 0) -> int:
    with area.open(ID, recorded=recorded) as writer:
        writer.write(data)
        return writer.sync()


def test_bytes_land_at_the_recorded_offset(area: StagingArea) -> None:
    assert write(area, b"01234") == 5
    assert write(area, b"567", recorded=5) == 8
    assert area.path(ID).read_bytes() == b"01234567"


def test_the_tail_beyond_the_recorded_offset_is_cut_on_opening(area: StagingArea) -> None:
    area.path(ID).write_bytes(b"0123456789")
    assert write(area, b"X", recorded=4) == 5
    assert area.path(ID).read_bytes() == b"0123X"


def test_right_size_with_missing_content_cannot_happen(area: StagingArea) -> None:
    """Mistake 1 of docs/design: a failed PATCH deleted bytes but kept the offset."""
    write(area, b"01234")
    os.truncate(area.path(ID), 3)
    with pytest.raises(StagingShort, match="5 bytes were acknowledged but only 3"):
        area.open(ID, recorded=5)
    with pytest.raises(StagingShort):
        area.check(ID, recorded=5)
    assert area.path(ID).read_bytes() == b"012"


def test_a_missing_file_is_told_apart_from_a_new_one(area: StagingArea) -> None:
    with pytest.raises(StagingMissing, match="mounted"):
        area.open(ID, recorded=1)
    with pytest.raises(StagingMissing):
        area.check(ID, recorded=1)
    area.check(ID, recorded=0)
    area.open(ID, recorded=0).close()
    assert area.path(ID).exists()


def test_a_new_name_is_made_durable_once(area: StagingArea, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(staging_writer, "sync_folder", synced.append)
    with area.open(ID, recorded=0) as writer:
        for _ in range(3):
            writer.write(b"x")
            writer.sync()
    with area.open(ID, recorded=3) as writer:
        writer.write(b"x")
        writer.sync()
    assert synced == [area.root]


def test_a_full_disk_says_so_and_counts_what_fitted(area: StagingArea, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite

    def nearly_full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset >= 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: 4 - offset], offset)

    with area.open(ID, recorded=0) as writer:
        monkeypatch.setattr(os, "pwrite", nearly_full)
        with pytest.raises(NoRoom):
            writer.write(b"0123456789")
        assert writer.offset == 4
        assert writer.sync() == 4
    assert area.path(ID).read_bytes() == b"0123"


@pytest.mark.parametrize(("code", "kind"), [(errno.EIO, SyncFailed), (errno.ENOSPC, NoRoom), (errno.EDQUOT, NoRoom)])
def test_a_failed_flush_is_no_success(
    area: StagingArea, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    with area.open(ID, recorded=0) as writer:
        writer.write(b"01234")
        monkeypatch.setattr(os, "fdatasync", fail)
        with pytest.raises(kind):
            writer.sync()
        assert writer.synced == 0


def test_finishing_moves_the_file_and_can_be_repeated(area: StagingArea, tmp_path: Path) -> None:
    target = tmp_path / "received"
    write(area, b"01234")
    area.finish(ID, target)
    area.finish(ID, target)
    assert target.read_bytes() == b"01234"
    assert area.stray_ids() == []


def test_removing_gives_the_space_back_and_can_be_repeated(area: StagingArea) -> None:
    write(area, b"01234")
    assert area.stray_ids() == [ID]
    area.remove(ID)
    area.remove(ID)
    assert area.stray_ids() == []


@pytest.mark.parametrize("upload_id", ["../../etc/x", "a/b", "", ".locks", "short", "x" * 65, "naïve-id", "a\0bcdefgh"])
def test_an_id_that_is_not_ours_never_becomes_a_path(area: StagingArea, upload_id: str) -> None:
    with pytest.raises(ValueError, match="not an upload id"):
        area.path(upload_id)
    with pytest.raises(ValueError, match="not an upload id"):
        area.lock(upload_id)


def test_the_disk_begins_to_write_before_the_flush(area: StagingArea, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging_writer, "_BEGIN_EVERY", 4)
    begun: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, start, length, __: begun.append((start, length)))
    with area.open(ID, recorded=0) as writer:
        for _ in range(3):
            writer.write(b"012")
        writer.discard_unsynced()
        writer.write(b"01234")
    assert begun == [(0, 6), (0, 5)]
