"""Datasets move between stores without a moment in which a file cannot be had."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from dataplane.localstore import LocalStore
from dataplane.store import Store
from keeping.models import CopyPlan, FileCopy, FileCopyQuerySet
from keeping.services.copies import remove_left
from keeping.services.moving import hindrance, move_dataset, refuse_same_place
from portal import storage
from portal.actors import SYSTEM
from portal.errors import Conflict
from portal.models import AuditEvent, DataFile, Dataset, Project
from portal.stores.declared import FolderSettings
from tests.keeping.conftest import MakeDataset, content, keys_of, some_files

FILES = some_files() | {"large.mrc": os.urandom(3 * 2**20), "empty": b""}


def move(dataset: Dataset, to: str) -> None:
    move_dataset(dataset, to, actor=SYSTEM, clock=timezone.now)
    dataset.refresh_from_db()


def moved(*arguments: str) -> str:
    out = StringIO()
    call_command("move_storage", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_a_dataset_moves_there_and_back(make_dataset: MakeDataset, other: str) -> None:
    dataset = make_dataset(FILES)
    move(dataset, other)
    assert (dataset.store, keys_of(other, dataset), keys_of("local", dataset)) == (other, sorted(FILES), [])
    assert {path: content(dataset, path) for path in FILES} == FILES
    assert not FileCopy.objects.exists()
    move(dataset, "local")
    assert (dataset.store, keys_of(other, dataset), keys_of("local", dataset)) == ("local", [], sorted(FILES))
    assert {path: content(dataset, path) for path in FILES} == FILES
    assert not FileCopy.objects.exists()
    assert not CopyPlan.objects.exists()
    told = AuditEvent.objects.filter(kind="dataset_moved").order_by("id")
    assert [(event.detail["old"], event.detail["new"]) for event in told] == [("local", other), (other, "local")]


def test_a_dry_run_says_what_would_be_moved_and_moves_nothing(make_dataset: MakeDataset, archive: Store) -> None:
    dataset, growing = (
        make_dataset(FILES),
        make_dataset({"a": b"1"}, state="open", closed_at=None, released_at=None, safe_to_delete_since=None),
    )
    said = moved("--project", "em", "--to", "archive", "--dry-run")
    assert f"{dataset.name}, local → archive" in said
    assert "would be moved, 14\xa0files" in said
    assert f"{growing.name}" in said
    assert "stays, still receiving" in said
    assert (archive.keys("em"), Project.objects.get().store, FileCopy.objects.count()) == ([], "local", 0)


def test_a_project_moves_with_its_new_datasets(make_dataset: MakeDataset, archive: Store) -> None:
    datasets = [make_dataset({"a.tif": b"1"}) for _ in range(3)]
    said = moved("--project", "em", "--to", "archive")
    assert said.count(": moved") == 3
    assert [keys_of("archive", dataset) for dataset in datasets] == [["a.tif"]] * 3
    assert Project.objects.get().store == "archive"
    assert moved("--project", "em", "--to", "archive") == ""


def test_what_is_still_receiving_stays_and_is_said(make_dataset: MakeDataset, archive: Store) -> None:
    dataset = make_dataset({"a": b"1"}, state="open", closed_at=None, released_at=None, safe_to_delete_since=None)
    with pytest.raises(CommandError, match="1\xa0dataset was not moved"):
        moved("--project", "em", "--to", "archive")
    assert hindrance(dataset).startswith("still receiving")
    assert archive.keys("em") == []


def test_a_damaged_source_is_never_switched(make_dataset: MakeDataset, other: str, bells: list[Any]) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})
    (storage.store().root / "em" / dataset.name / "b.tif").write_bytes(b"6789X")
    with pytest.raises(CommandError, match="not moved"):
        moved("--dataset", dataset.name, "--to", other)
    dataset.refresh_from_db()
    assert dataset.store == "local"
    assert keys_of(other, dataset) == ["a.tif"]
    bad = DataFile.objects.get(path="b.tif")
    assert ("keeping.tasks.examine_task", (bad.pk,)) in bells


def test_two_names_for_one_place_are_refused(make_dataset: MakeDataset, settings: Any) -> None:
    settings.STORES = {"twin": FolderSettings(kind="folder", path=settings.FILES_ROOT)}
    dataset = make_dataset({"a.tif": b"12345"})
    with pytest.raises(Conflict, match="same place"):
        move(dataset, "twin")
    with pytest.raises(CommandError):
        moved("--dataset", dataset.name, "--to", "twin")
    assert content(dataset, "a.tif") == b"12345"


def test_different_places_are_told_apart_and_nothing_is_left_there(archive: Store, objects: Store) -> None:
    refuse_same_place(storage.store(), archive)
    refuse_same_place(storage.store(), objects)
    refuse_same_place(objects, archive)
    assert [store.keys(".probe") for store in (storage.store(), archive, objects)] == [[], [], []]


@pytest.mark.parametrize("wrong", [("--project", "none"), ("--dataset", "none")])
def test_what_does_not_exist_is_named(wrong: tuple[str, str], archive: Store, project: Project) -> None:
    with pytest.raises(CommandError, match="none"):
        moved(*wrong, "--to", "archive")
    with pytest.raises(CommandError, match="There are: local, archive"):
        moved("--project", "em", "--to", "moon")


def test_the_old_bytes_go_only_after_the_switch(
    make_dataset: MakeDataset, archive: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    monkeypatch.setattr("keeping.services.moving._switch", lambda *args: False)
    move(dataset, "archive")
    remove_left(clock=timezone.now)
    assert (keys_of("local", dataset), keys_of("archive", dataset)) == (["a.tif"], ["a.tif"])
    assert content(dataset, "a.tif") == b"12345"


def test_a_copy_from_before_the_move_is_read_again(make_dataset: MakeDataset, archive: Store) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    long_ago = timezone.now() - timedelta(days=400)
    FileCopy.objects.create(
        dataset=dataset, file=DataFile.objects.get(), store="archive", state="good", made_at=long_ago
    )
    move(dataset, "archive")
    assert (dataset.store, keys_of("archive", dataset), content(dataset, "a.tif")) == ("archive", ["a.tif"], b"12345")


def test_a_move_back_to_the_store_of_second_copies_leaves_one_there(
    make_dataset: MakeDataset, archive: Store, project: Project
) -> None:
    dataset = make_dataset({"a.tif": b"12345"}, store="archive")
    Project.objects.update(copy_store="archive")
    move(Dataset.objects.select_related("project").get(pk=dataset.pk), "local")
    assert keys_of("archive", dataset) == ["a.tif"]
    assert FileCopy.objects.get().state == "good"


class Killed(BaseException):
    """Nothing catches it, as nothing catches the death of a process."""


BOUNDARIES = [
    (LocalStore, "put"),
    (LocalStore, "delete"),
    (FileCopyQuerySet, "update"),
    (FileCopyQuerySet, "bulk_create"),
    (FileCopyQuerySet, "delete"),
    (Dataset, "save"),
]


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int, after: bool) -> None:
    """Die before, or right after, the boundary that is crossed as number `step`."""
    crossed = count()

    def crossing(real: Callable[..., Any]) -> Callable[..., Any]:
        def cross(*arguments: Any, **named: Any) -> Any:
            die = next(crossed) == step
            if die and not after:
                raise Killed
            answer = real(*arguments, **named)
            if die:
                raise Killed
            return answer

        return cross

    for owner, name in BOUNDARIES:
        monkeypatch.setattr(owner, name, crossing(getattr(owner, name)))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_move_goes_on_wherever_it_died(
    make_dataset: MakeDataset, archive: Store, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    files = {"a.tif": b"12345", "b/c.tif": b"67890"}
    deaths = 0
    for step in count():
        dataset = make_dataset(files)
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, step, after)
            move(dataset, "archive")
            break
        deaths += 1
        dataset.refresh_from_db()
        assert {path: content(dataset, path) for path in files} == files, step
        FileCopy.objects.update(leased_until=None)  # as two minutes later
        moved("--dataset", dataset.name, "--to", "archive")
        remove_left(clock=timezone.now)
        dataset.refresh_from_db()
        assert (dataset.store, keys_of("archive", dataset), keys_of("local", dataset)) == ("archive", sorted(files), [])
        assert {path: content(dataset, path) for path in files} == files
        assert not FileCopy.objects.exclude(store="archive").exists()
    assert deaths > 12


PROGRAM = """
import os, django
django.setup()
from dataplane.localstore import LocalStore
from django.core.management import call_command
from keeping.models import FileCopy
FileCopy.objects.update(leased_until=None)  # as two minutes later
real = LocalStore.put
def one_by_one(*arguments, **named):
    real(*arguments, **named)
    os.write(1, b"one more\\n")  # in one piece each, also of threads that say it at once
    os.read(0, 1)
LocalStore.put = one_by_one
call_command("move_storage", "--dataset", "2026-run", "--to", "archive")
"""

BEGIN = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from portal.models import Project
from tests.keeping.conftest import a_dataset
a_dataset(Project.objects.create(code="em", name="EM", contact_email="em@facility.example"),
          {f"frame-{n:03}.tif": bytes([n]) * 5000 for n in range(40)}, name="2026-run")
"""

END = """
import django
django.setup()
from keeping.models import FileCopy
from portal.models import Dataset
from tests.keeping.conftest import content, keys_of
dataset = Dataset.objects.select_related("project").get()
good = all(content(dataset, f"frame-{n:03}.tif") == bytes([n]) * 5000 for n in range(40))
print(dataset.store, len(keys_of("archive", dataset)), keys_of("local", dataset), good, FileCopy.objects.count())
"""


@pytest.mark.slow
def test_a_move_that_is_killed_with_signal_9_goes_on(tmp_path: Path) -> None:
    """A process of its own with a database on disk, which takes some seconds to begin; killed after every few files."""
    stores = {"archive": {"kind": "folder", "path": str(tmp_path / "archive")}}
    changes = {"LABCOURIER_VAR": str(tmp_path), "LABCOURIER_STORES": json.dumps(stores)}
    environment = os.environ | changes | {"DJANGO_SETTINGS_MODULE": "portal.settings", "LABCOURIER_DATABASE_URL": ""}
    run = partial(subprocess.run, env=environment, cwd=settings.BASE_DIR, check=True, capture_output=True, text=True)
    run([sys.executable, "-c", BEGIN])
    begin = partial(subprocess.Popen, env=environment, cwd=settings.BASE_DIR, text=True)
    for files in (3, 8):
        with begin([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
            assert program.stdin
            assert program.stdout
            for _ in range(files):
                assert program.stdout.readline() == "one more\n"
                program.stdin.write("\n")
                program.stdin.flush()
            program.kill()
        assert program.returncode == -signal.SIGKILL
    assert ": moved" in run([sys.executable, "-c", PROGRAM], stdin=subprocess.DEVNULL).stdout
    assert run([sys.executable, "-c", END]).stdout.strip() == "archive 40 [] True 0"
