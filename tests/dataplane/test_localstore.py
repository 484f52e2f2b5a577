"""Plain files under a root, and never outside it."""

import io
import os
from pathlib import Path

import pytest

from dataplane import folders, localstore
from dataplane.errors import NotStored, PathRefused, PathTaken
from dataplane.localstore import LocalStore
from dataplane.store import Placement


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "files")
    store.prepare()
    return store


def received(store: LocalStore, upload_id: str, data: bytes = b"data", key: str = "em/set/a.tif") -> Placement:
    placement = Placement(f".received/{upload_id}", key)
    store.path(placement.source).write_bytes(data)
    return placement


@pytest.mark.parametrize(
    "key", ["../x", "a/../../x", "/etc/passwd", "", "a//b", "a/./b", "a\0b", "..", "em/set/../../../x"]
)
def test_a_key_never_leads_outside_the_root(store: LocalStore, key: str) -> None:
    with pytest.raises(PathRefused):
        store.path(key)


def test_a_symbolic_link_does_not_lead_outside_either(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (store.root / "em").symlink_to(tmp_path / "outside")
    with pytest.raises(PathRefused, match="leads outside"):
        store.path("em/x")


def test_a_folder_that_became_a_link_is_refused_at_once_for_all_but_reading(store: LocalStore, tmp_path: Path) -> None:
    (store.root / "em").mkdir()
    (store.root / "em" / "1.tif").write_bytes(b"one")
    store.open("em/1.tif").close()
    (store.root / "em").rename(tmp_path / "outside")
    (store.root / "em").symlink_to(tmp_path / "outside")
    with pytest.raises(PathRefused):
        store.delete("em/1.tif")
    assert (tmp_path / "outside" / "1.tif").read_bytes() == b"one"


def test_a_placed_file_stands_at_its_key_and_nowhere_else(store: LocalStore) -> None:
    placement = received(store, "upload-1", b"12345")
    assert store.place([placement]) == {}
    assert (store.root / "em/set/a.tif").read_bytes() == b"12345"
    assert not store.received_keys()
    assert store.size("em/set/a.tif") == 5


def test_placing_twice_is_placing_once(store: LocalStore) -> None:
    placement = received(store, "upload-1")
    store.place([placement])
    assert store.place([placement]) == {}


def test_a_worker_that_died_after_placing_finds_the_bytes_again(store: LocalStore) -> None:
    placement = received(store, "upload-1", b"12345")
    store.place([placement])
    with store.open_received(placement) as stream:
        assert stream.read() == b"12345"


def test_bytes_that_are_nowhere_are_said_to_be_missing(store: LocalStore) -> None:
    placement = Placement(".received/upload-9", "em/set/a.tif")
    with pytest.raises(NotStored):
        store.open_received(placement)
    assert isinstance(store.place([placement])[".received/upload-9"], NotStored)


def test_a_new_version_replaces_the_old_in_one_step(store: LocalStore) -> None:
    store.place([received(store, "upload-1", b"old")])
    with store.open("em/set/a.tif") as reader:
        store.place([received(store, "upload-2", b"new!")])
        assert reader.read() == b"old"
    assert store.size("em/set/a.tif") == 4


def test_a_file_and_a_folder_of_one_name_are_told_apart(store: LocalStore) -> None:
    first, second, fine = (
        received(store, "upload-1", key="em/set/a/b"),
        received(store, "upload-2", key="em/set/a"),
        received(store, "upload-3", key="em/set/c"),
    )
    failures = store.place([first, second, fine])
    assert list(failures) == [".received/upload-2"]
    assert isinstance(failures[".received/upload-2"], PathTaken)
    assert isinstance(store.place([received(store, "upload-4", key="em/set/c/d")])[".received/upload-4"], PathTaken)
    assert store.size("em/set/c") == 4


def test_opening_at_an_offset_reads_from_there(store: LocalStore) -> None:
    store.place([received(store, "upload-1", b"0123456789")])
    with store.open("em/set/a.tif", 7) as stream:
        assert stream.read() == b"789"


def test_a_key_without_a_file_is_not_stored(store: LocalStore) -> None:
    for look in (store.open, store.size):
        with pytest.raises(NotStored):
            look("em/set/none")
    store.place([received(store, "upload-1")])
    with pytest.raises(NotStored):
        store.size("em/set/a.tif/below")


def test_deleting_leaves_no_empty_folders_and_no_other_file_touched(store: LocalStore) -> None:
    store.place([received(store, "upload-1", key="em/set/deep/a"), received(store, "upload-2", key="em/set/b")])
    store.delete("em/set/deep/a")
    assert not (store.root / "em/set/deep").exists()
    assert store.size("em/set/b") == 4
    store.delete("em/set/b")
    store.delete("em/set/b")
    assert not (store.root / "em").exists()
    assert store.root.is_dir()


PUT = {
    "put": lambda store: store.put("em/set/a.tif", io.BytesIO(b"12345"), 5),
    "copy": lambda store: store.copy("em/other/a.tif", "em/set/a.tif"),
    "place": lambda store: store.place([received(store, "upload-1", b"12345")]),
}


@pytest.mark.parametrize("way", PUT)
def test_a_folder_that_goes_with_its_last_file_does_not_refuse_the_next(
    store: LocalStore, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("em/other/a.tif", io.BytesIO(b"12345"), 5)
    real, removed = folders.make_folders, list[Path]()

    def make_in_vain(folder: Path, *, below: Path) -> list[Path]:
        made = real(folder, below=below)
        if len(removed) < 2:
            removed.append(folder)
            folder.rmdir()
        return made

    monkeypatch.setattr(folders, "make_folders", make_in_vain)
    monkeypatch.setattr(localstore, "make_folders", make_in_vain)
    PUT[way](store)
    assert len(removed) == 2
    assert (store.root / "em/set/a.tif").read_bytes() == b"12345"


def test_across_file_systems_the_file_is_copied_and_no_half_file_is_seen(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def refuse_across(self: Path, target: Path) -> Path:
        if ".received" in self.parts:
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuse_across)
    store.place([received(store, "upload-1", b"12345")])
    assert (store.root / "em/set/a.tif").read_bytes() == b"12345"
    assert [file.name for file in (store.root / "em/set").iterdir()] == ["a.tif"]
    assert not store.received_keys()


def test_names_are_made_durable_each_folder_once(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(folders, "sync_folder", synced.append)
    store.place([received(store, f"upload-{n}", key=f"em/set/{n}") for n in range(50)])
    assert sorted(synced) == [store.root, store.root / "em", store.root / "em/set"]


def test_free_space_is_what_the_disk_has(store: LocalStore) -> None:
    assert 0 < store.free_bytes() <= os.statvfs(store.root).f_bavail * os.statvfs(store.root).f_frsize * 2
