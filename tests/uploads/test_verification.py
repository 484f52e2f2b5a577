"""Verified or not offered: the worker reads back, and what it finds decides."""

import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dataplane.localstore import LocalStore
from portal import storage
from portal.models import AuditEvent, DataFile, Dataset, Notice
from uploads.services import claims, verification
from uploads.services.claims import claim_batch
from uploads.services.verification import verify_batch
from uploads.services.work import sweep


def final(dataset: Dataset, path: str) -> Path:
    return storage.store().path(f"em/{dataset.name}/{path}")


def waiting(file: DataFile) -> Path:
    return storage.store().path(file.received_key)


def state_of(file: DataFile) -> str:
    file.refresh_from_db()
    return str(file.state)


def test_a_verified_file_lies_at_its_readable_place(ada: Any, dataset: Dataset, worker: Any) -> None:
    file = ada.send(dataset, "Säule 2/scan.tif", b"01234")
    assert not final(dataset, "Säule 2/scan.tif").exists()
    worker()
    assert state_of(file) == "verified"
    assert file.crc32 == zlib.crc32(b"01234")
    assert file.verified_at is not None
    assert final(dataset, "Säule 2/scan.tif").read_bytes() == b"01234"
    assert storage.store().received_keys() == []


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize("damage", [flip_a_bit, cut_short, zero, append, Path.unlink])
def test_damaged_bytes_are_found_and_never_offered(ada: Any, dataset: Dataset, worker: Any, damage: Any) -> None:
    file = ada.send(dataset, "scan.tif", b"0123456789" * 100)
    damage(waiting(file))
    worker()
    assert state_of(file) == "corrupt"
    assert file.reason.endswith("Send the file again.") or file.reason.endswith("Send it again.")
    assert not final(dataset, "scan.tif").exists()
    dataset.refresh_from_db()
    assert (dataset.corrupt_count, dataset.verified_count, dataset.received_count) == (1, 0, 0)
    assert AuditEvent.objects.get(kind="files_corrupt").subject == "scan.tif"
    notice = Notice.objects.get(kind="file-corrupt")
    assert (notice.to, notice.context["files"][0]["path"]) == ("em-staff@facility.example", "scan.tif")


def test_without_the_comparison_damage_would_pass(
    ada: Any, dataset: Dataset, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "_difference", lambda file, found: "")
    file = ada.send(dataset, "scan.tif", b"0123456789")
    flip_a_bit(waiting(file))
    worker()
    assert state_of(file) == "verified"


def test_a_damaged_file_is_sent_again_and_released_with_the_rest(ada: Any, dataset: Dataset, worker: Any) -> None:
    good, bad = ada.send(dataset, "good", b"01234"), ada.send(dataset, "bad", b"56789")
    flip_a_bit(waiting(bad))
    assert ada.close(dataset).status_code == 200
    worker()
    dataset.refresh_from_db()
    assert (dataset.state, state_of(good), state_of(bad)) == ("closed", "verified", "corrupt")
    ada.send(dataset, "bad", b"56789")
    worker()
    dataset.refresh_from_db()
    assert (dataset.state, dataset.verified_count, dataset.corrupt_count) == ("released", 2, 0)
    assert final(dataset, "bad").read_bytes() == b"56789"


def test_the_last_verified_file_releases_a_closed_dataset_once(
    ada: Any, dataset: Dataset, bells: Any, worker: Any
) -> None:
    for name in ("a", "b", "c"):
        ada.send(dataset, name, b"01234")
    ada.close(dataset)
    worker()
    dataset.refresh_from_db()
    assert (dataset.state, dataset.released_at is not None) == ("released", True)
    assert [name for name, _ in bells].count("sharing.tasks.dispatch_dataset_task") == 1
    assert ("sharing.tasks.dispatch_dataset_task", (str(dataset.pk),)) in bells
    assert AuditEvent.objects.filter(kind="dataset_released").count() == 1
    sweep(clock=timezone.now)
    assert AuditEvent.objects.filter(kind="dataset_released").count() == 1


def test_closing_after_the_last_file_was_verified_releases_at_once(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "a", b"01234")
    worker()
    assert ada.close(dataset).json()["state"] == "released"


def test_a_file_without_a_stated_checksum_waits(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.create(5, b"01234", dataset=dataset, path="a")
    worker()
    assert DataFile.objects.get().state == "received"


def test_many_files_ring_once(ada: Any, dataset: Dataset, bells: Any, worker: Any) -> None:
    for n in range(30):
        ada.send(dataset, f"f{n}", b"01234")
    assert [name for name, _ in bells].count("uploads.tasks.verify_task") == 1
    worker()
    ada.send(dataset, "one more", b"01234")
    assert [name for name, _ in bells].count("uploads.tasks.verify_task") == 1


def test_without_a_cache_each_file_rings(
    ada: Any, dataset: Dataset, bells: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr(LocMemCache, "add", down)
    ada.send(dataset, "a", b"01234")
    ada.send(dataset, "b", b"01234")
    assert len([name for name, _ in bells if name == "uploads.tasks.verify_task"]) == 2


def test_a_lost_bell_is_made_up_for_by_the_sweep(ada: Any, dataset: Dataset, bells: Any) -> None:
    file = ada.send(dataset, "a", b"01234")
    bells.clear()
    sweep(clock=timezone.now)
    assert state_of(file) == "verified"


# --- claims


def test_what_one_worker_has_claimed_no_other_gets(ada: Any, dataset: Dataset) -> None:
    ada.send(dataset, "a", b"01234")
    now = timezone.now()
    assert len(claim_batch(now=now)) == 1
    assert claim_batch(now=now) == []


def test_a_killed_workers_files_come_back_when_its_lease_has_run_out(ada: Any, dataset: Dataset) -> None:
    file = ada.send(dataset, "a", b"01234")
    now = timezone.now()
    claim_batch(now=now)
    assert claim_batch(now=now + claims.LEASE - timedelta(seconds=1)) == []
    verify_batch(claim_batch(now=now + claims.LEASE + timedelta(seconds=1)))
    assert state_of(file) == "verified"


def test_a_worker_that_died_after_placing_is_caught_up(ada: Any, dataset: Dataset) -> None:
    file = ada.send(dataset, "a", b"01234")
    final(dataset, "a").parent.mkdir(parents=True)
    waiting(file).rename(final(dataset, "a"))
    sweep(clock=timezone.now)
    assert state_of(file) == "verified"


def test_a_worker_that_died_before_releasing_is_caught_up(ada: Any, dataset: Dataset, worker: Any) -> None:
    ada.send(dataset, "a", b"01234")
    worker()
    Dataset.objects.filter(pk=dataset.pk).update(state="closed", closed_at=timezone.now())
    sweep(clock=timezone.now)
    dataset.refresh_from_db()
    assert dataset.state == "released"


def test_a_verdict_that_comes_too_late_changes_nothing(ada: Any, dataset: Dataset) -> None:
    file = ada.send(dataset, "a", b"01234")
    slow = claim_batch(now=timezone.now() - timedelta(hours=1))
    ada.announce(dataset, {"path": "a", "size": 7})
    outcome = verify_batch(slow)
    assert (outcome.verified, outcome.corrupt) == (0, 0)
    assert state_of(file) == "superseded"
    assert not final(dataset, "a").exists()
    dataset.refresh_from_db()
    assert (dataset.file_count, dataset.verified_count, dataset.received_count) == (1, 0, 0)


def test_two_workers_with_one_file_count_it_once(ada: Any, dataset: Dataset) -> None:
    ada.send(dataset, "a", b"01234")
    slow = claim_batch(now=timezone.now() - timedelta(hours=1))
    fast = claim_batch(now=timezone.now())
    verify_batch(fast)
    verify_batch(slow)
    dataset.refresh_from_db()
    assert (dataset.verified_count, dataset.received_count, dataset.revision) == (1, 0, 1)


def test_batches_are_bounded_by_count_and_by_bytes(ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        ada.send(dataset, f"f{n}", b"01234")
    monkeypatch.setattr(claims, "BATCH_FILES", 4)
    assert len(claim_batch(now=timezone.now())) == 4
    monkeypatch.setattr(claims, "BATCH_BYTES", 10)
    assert len(claim_batch(now=timezone.now())) == 2


def test_a_long_digest_renews_its_lease(ada: Any, dataset: Dataset) -> None:
    file = ada.send(dataset, "a", b"01234")
    start = timezone.now()
    batch = claim_batch(now=start)
    keeper = claims.LeaseKeeper(batch, lambda: start + timedelta(seconds=0))
    keeper.renew()
    file.refresh_from_db()
    assert file.leased_until == start + claims.LEASE
    later = [start]
    keeper = claims.LeaseKeeper(batch, lambda: later[0])
    later[0] = start + timedelta(seconds=45)
    keeper.renew()
    file.refresh_from_db()
    assert file.leased_until == later[0] + claims.LEASE


def test_a_store_in_passing_trouble_gives_no_verdict(
    ada: Any, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ada.send(dataset, "a", b"01234")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "open_received", fail)
        sweep(clock=timezone.now)
    assert state_of(file) == "received"
    sweep(clock=lambda: timezone.now() + timedelta(minutes=2))
    assert state_of(file) == "verified"


def test_hundreds_of_files_cost_few_queries(
    ada: Any, dataset: Dataset, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    DataFile.objects.bulk_create(
        DataFile(
            dataset=dataset,
            path=f"f{n}",
            path_key=f"{n:064}",
            size=5,
            sha256=ada.sha256(b"01234"),
            state="received",
            received_key=f".received/upload-{n:04}",
            received_at=timezone.now(),
        )
        for n in range(400)
    )
    for n in range(400):
        storage.store().path(f".received/upload-{n:04}").write_bytes(b"01234")
    Dataset.objects.update(file_count=400, received_count=400)
    with django_assert_max_num_queries(40):
        sweep(clock=timezone.now)
    dataset.refresh_from_db()
    assert (dataset.verified_count, dataset.bytes_verified) == (400, 2000)


def test_every_file_is_under_the_stores_root(settings: Any, dataset: Dataset) -> None:
    assert final(dataset, "x").is_relative_to(settings.FILES_ROOT)
