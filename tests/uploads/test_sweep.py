"""What is left behind is found: expired uploads, stray bytes, old records; by task and by hand."""

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from portal import storage
from portal.models import AuditEvent, DataFile, Dataset
from uploads.models import Upload
from uploads.services.stop import staging_area
from uploads.services.sweep import expire_uploads, forget_ended_uploads, remove_strays
from uploads.tasks import expire_uploads_task, sweep_task, verify_task

AFTER = timedelta(seconds=1)


def by_hand(name: str, *arguments: str) -> str:
    said = StringIO()
    call_command(name, *arguments, stdout=said)
    return said.getvalue()


def make_old(path: Path) -> None:
    long_ago = (timezone.now() - timedelta(days=2)).timestamp()
    os.utime(path, (long_ago, long_ago))


def test_an_unfinished_upload_expires_and_gives_its_space_back(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    ada.patch(address, 0, b"0123")
    now = timezone.now() + settings.UPLOAD_EXPIRY
    assert expire_uploads(now=now - timedelta(minutes=1)) == []
    assert len(expire_uploads(now=now + AFTER)) == 1
    assert Upload.objects.get().state == "expired"
    assert staging_area().stray_ids() == []
    assert ada.tus("HEAD", address).status_code == 410
    assert AuditEvent.objects.get(kind="upload_expired").bytes == 4


def test_an_announced_file_stays_expected_when_its_upload_expires(ada: Any, dataset: Dataset) -> None:
    ada.announce(dataset, {"path": "scan.tif", "size": 10})
    ada.start(10, dataset=dataset)
    expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + AFTER)
    assert DataFile.objects.get().state == "expected"


def test_a_file_nobody_announced_goes_with_its_upload(ada: Any, dataset: Dataset) -> None:
    ada.start(10, dataset=dataset)
    expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + AFTER)
    dataset.refresh_from_db()
    assert (DataFile.objects.count(), dataset.file_count, dataset.bytes_expected) == (0, 0, 0)


def test_an_upload_that_is_being_written_does_not_expire(ada: Any, dataset: Dataset) -> None:
    ada.start(10, dataset=dataset)
    with staging_area().lock(Upload.objects.get().pk):
        assert expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + AFTER) == []
    assert Upload.objects.get().state == "receiving"


class Killed(BaseException):
    """What a kill -9 looks like from within: nothing catches it."""


@pytest.fixture
def moved(ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Whole and moved behind staging, but the server died before it said so."""

    def die(*_: object) -> bool:
        raise Killed

    address = ada.start(10, dataset=dataset)
    with monkeypatch.context() as patch:
        patch.setattr("uploads.services.finishing._hand_over_file", die)
        with pytest.raises(Killed):
            ada.patch(address, 0, b"0123456789")
    path = storage.store().path(storage.received_key(Upload.objects.get().pk))
    assert path.exists()
    return path


def test_giving_up_an_upload_that_a_dead_server_had_moved_gives_its_space_back(ada: Any, moved: Path) -> None:
    address = f"/tus/{Upload.objects.get().pk}"
    assert ada.tus("DELETE", address).status_code == 204
    assert not moved.exists()
    assert ada.tus("HEAD", address).status_code == 410
    assert DataFile.objects.count() == 0


def test_replacing_an_upload_that_a_dead_server_had_moved_gives_its_space_back(
    ada: Any, dataset: Dataset, moved: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        ada.start(10, dataset=dataset)
    assert not moved.exists()


def test_an_upload_that_a_dead_server_had_moved_gives_its_space_back_when_it_expires(moved: Path) -> None:
    expire_uploads(now=timezone.now() + settings.UPLOAD_EXPIRY + AFTER)
    assert not moved.exists()


def test_bytes_that_a_dead_server_had_moved_outlast_days_without_a_server(ada: Any, moved: Path) -> None:
    """The task that looks for strays may run before the one that hands over."""
    make_old(moved)
    expire_uploads_task()
    sweep_task()
    assert Upload.objects.get().state == "finished"
    assert DataFile.objects.get().state == "received"


def test_old_bytes_that_belong_to_nothing_are_removed(ada: Any, dataset: Dataset) -> None:
    ada.start(10, dataset=dataset, path="under way")
    ada.create(5, b"01234", dataset=dataset, path="waiting")
    strays = [staging_area().path("f" * 32), storage.store().path(".received/" + "e" * 32)]
    for stray in strays:
        stray.write_bytes(b"left behind")
    assert remove_strays(now=timezone.now()) == []
    for path in [*staging_area().root.iterdir(), *storage.store().path(".received/x").parent.iterdir()]:
        make_old(path)
    assert sorted(remove_strays(now=timezone.now())) == [".received/" + "e" * 32, "f" * 32]
    assert not any(stray.exists() for stray in strays)
    assert storage.store().path(DataFile.objects.get(path="waiting").received_key).exists()


def test_ended_uploads_are_forgotten_in_the_end(ada: Any, dataset: Dataset) -> None:
    ada.tus("DELETE", ada.start(10, dataset=dataset, path="given up"))
    ada.create(5, b"01234", dataset=dataset, path="arrived")
    later = timezone.now() + 2 * settings.UPLOAD_EXPIRY + AFTER
    assert forget_ended_uploads(now=timezone.now()) == 0
    forget_ended_uploads(now=later)
    assert [upload.state for upload in Upload.objects.all()] == ["finished"]
    Dataset.objects.update(state="closed", closed_at=timezone.now())
    forget_ended_uploads(now=later)
    assert Upload.objects.count() == 0
    assert DataFile.objects.get().state == "received"


def test_the_commands_say_what_they_would_do_and_do_it(ada: Any, dataset: Dataset) -> None:
    ada.start(10, dataset=dataset, path="never finished")
    ada.send(dataset, "fine", b"01234")
    later = (timezone.now() + settings.UPLOAD_EXPIRY + AFTER).isoformat()
    assert "fine\t5" in by_hand("verify_files", "--dry-run")
    assert "0 of 10" in by_hand("expire_uploads", "-n", "--now", later)
    assert sorted(DataFile.objects.values_list("state", flat=True)) == ["expected", "received"]
    assert by_hand("verify_files") == "1 verified, 0 corrupt, 0 put off.\n"
    assert by_hand("expire_uploads") == ""
    assert "expired" in by_hand("expire_uploads", "--now", later)
    assert [file.state for file in DataFile.objects.all()] == ["verified"]


def test_the_tasks_do_it_too_and_can_be_doubled(ada: Any, dataset: Dataset) -> None:
    ada.send(dataset, "fine", b"01234")
    for task in (verify_task, sweep_task, expire_uploads_task) * 2:
        task.apply(throw=True)
    dataset.refresh_from_db()
    assert (dataset.verified_count, dataset.revision) == (1, 1)
