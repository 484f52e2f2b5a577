"""Every stored file is read again: what is damaged is found, not offered, told, and made good where it can be."""

import os
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from dataplane.errors import StoreTrouble
from dataplane.localstore import LocalStore
from dataplane.store import Store
from keeping.models import FileCopy, Round
from keeping.services.rereading import Budget, Outcome, reread
from keeping.tasks import copy_task
from portal import storage
from portal.errors import Conflict
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, DataFile, Dataset, Notice, Project, User
from tests.conftest import SignIn
from tests.keeping.conftest import MakeDataset, content, keys_of, some_files

ALL = Budget()
randrange, sample = SystemRandom().randrange, SystemRandom().sample


def scrub(*arguments: str) -> str:
    out = StringIO()
    call_command("scrub", *arguments, stdout=out)
    return out.getvalue()


def round_of(budget: Budget = ALL) -> tuple[Round, list[str]]:
    """What re-reading notes, and the paths of what it found damaged."""
    damaged: list[str] = []

    def tell(outcome: Outcome) -> None:
        damaged.extend(file.path for file in outcome.damaged)

    return reread(budget, clock=timezone.now, tell=tell), sorted(damaged)


def place(dataset: Dataset, path: str) -> Path:
    return storage.store().path(f"em/{dataset.name}/{path}")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[randrange(len(data))] ^= 1 << randrange(8)
    path.write_bytes(data)


def truncate(path: Path) -> None:
    os.truncate(path, randrange(path.stat().st_size))


def zero_a_block(path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = randrange(len(data) // 512) * 512
    data[start : start + 512] = bytes(512)
    path.write_bytes(data)


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def remove(path: Path) -> None:
    path.unlink()


DAMAGES: list[Callable[[Path], None]] = [flip_a_bit, truncate, zero_a_block, append, remove]


def plant(dataset: Dataset, paths: list[str], size: int) -> list[str]:
    """Damage of each kind in turn, every sixth a swap of two; each leaves size and time as they were if it can."""
    for number in range(size):
        path = place(dataset, paths[number])
        stat = path.stat()
        DAMAGES[number % len(DAMAGES)](path)
        if path.exists():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    swapped = paths[size : size + 2]
    one, other = (place(dataset, path) for path in swapped)
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    return sorted([*paths[:size], *swapped])


PLANTED = 600 if os.environ.get("LABCOURIER_CAMPAIGN") else 60


def test_all_planted_damage_is_found_and_none_is_offered(make_dataset: MakeDataset) -> None:
    """P2: bit flips, truncations, zeroed blocks, appended bytes, lost and swapped files."""
    files = some_files(PLANTED + 200, 2048)
    dataset = make_dataset(files)
    paths = sample(sorted(files), len(files))
    planted = plant(dataset, paths, PLANTED)
    this, damaged = round_of()
    assert damaged == planted
    assert (this.files, this.damaged, this.ended_at is not None) == (len(files), len(planted), True)
    dataset.refresh_from_db()
    assert (dataset.verified_count, dataset.corrupt_count) == (len(files) - len(planted), len(planted))
    assert dataset.bytes_verified == sum(len(data) for path, data in files.items() if path not in set(planted))
    assert set(dataset.files.verified().values_list("path", flat=True)) == set(files) - set(planted)
    assert round_of()[1] == []


def test_damage_in_another_store_is_found_as_well(make_dataset: MakeDataset, objects: Store) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890", "c.tif": b"abcde"}, store="objects")
    objects.delete(f"em/{dataset.name}/a.tif")
    key = f"em/{dataset.name}/b.tif"
    objects.delete(key)
    objects.put(key, BytesIO(b"6789X"), 5)
    assert round_of()[1] == ["a.tif", "b.tif"]


def test_damaged_files_are_told_to_staff_and_operators_and_are_no_longer_safe_to_delete(
    make_dataset: MakeDataset, sam: User, bells: list[Any]
) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"}, operator_emails=["op@facility.example"])
    flip_a_bit(place(dataset, "a.tif"))
    with pytest.raises(CommandError, match="1\xa0file is damaged"):
        scrub()
    dataset.refresh_from_db()
    assert (dataset.safe_to_delete_since, dataset.revision) == (None, 2)
    mails = Notice.objects.filter(kind="stored-damaged")
    assert sorted(mails.values_list("to", flat=True)) == ["op@facility.example", "sam@facility.example"]
    assert mails.first().context["files"][0]["path"] == "a.tif"  # type: ignore[union-attr]
    kinds = set(AuditEvent.objects.values_list("kind", flat=True))
    assert {"files_corrupt", "dataset_no_longer_safe"} <= kinds


def test_the_mail_says_what_is_damaged_and_what_to_do(make_dataset: MakeDataset, sam: User) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})
    truncate(place(dataset, "a.tif"))
    round_of()
    send_due_mail(clock=timezone.now)
    sent = next(each for each in mail.outbox if each.to == ["sam@facility.example"])
    assert sent.subject == "1 file damaged in storage: A run"
    assert "a.tif" in sent.body
    assert "scrub --damaged" in sent.body


def test_staff_and_home_pages_say_what_was_found(make_dataset: MakeDataset, sam: User, sign_in: SignIn) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})
    flip_a_bit(place(dataset, "a.tif"))
    round_of()
    client: Client = sign_in(sam)
    page = client.get("/staff/").content.decode()
    assert "Re-read" in page
    assert "Damaged in storage" in page
    assert "damaged in storage; not offered any more" in page


def test_a_file_that_was_put_back_is_offered_again(make_dataset: MakeDataset) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})
    place(dataset, "a.tif").write_bytes(b"1234X")
    round_of()
    assert "0 of 1\xa0file" in scrub("--damaged")
    place(dataset, "a.tif").write_bytes(b"12345")
    assert "1 of 1\xa0file" in scrub("--damaged")
    dataset.refresh_from_db()
    assert (dataset.verified_count, dataset.corrupt_count, dataset.bytes_verified) == (2, 0, 10)
    assert DataFile.objects.get(path="a.tif").state == "verified"


def test_it_remembers_where_it_was(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keeping.services.rereading._BATCH_FILES", 5)
    dataset = make_dataset(some_files(20, 1000))
    seen = []
    for _ in range(4):
        this, _ = round_of(Budget(most_bytes=1))
        seen.append(this.files)
    assert (seen, Round.objects.count()) == ([5, 10, 15, 20], 1)
    assert Round.objects.get().ended_at is None
    round_of(Budget(most_bytes=1))
    assert Round.objects.get().ended_at is not None
    assert "100" not in scrub("--percent", "10")
    assert Round.objects.count() == 2
    assert dataset.files.verified().count() == 20


def test_a_round_that_died_goes_on_behind_the_last_batch(
    make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keeping.services.rereading._BATCH_FILES", 5)
    make_dataset(some_files(20, 1000))

    def die(outcome: Outcome) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        reread(ALL, clock=timezone.now, tell=die)
    this, _ = round_of()
    assert (this.files, Round.objects.count()) == (20, 1)


def test_only_one_re_reads_and_a_dead_one_lets_go(make_dataset: MakeDataset) -> None:
    make_dataset({"a.tif": b"12345"})
    Round.objects.create(began_at=timezone.now(), leased_until=timezone.now() + timedelta(minutes=5))
    with pytest.raises(Conflict, match="re-reads already"):
        round_of()
    later = timezone.now() + timedelta(minutes=6)
    assert reread(ALL, clock=lambda: later, tell=lambda outcome: None).files == 1


def test_time_and_percent_are_kept(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keeping.services.rereading._BATCH_FILES", 1)
    make_dataset(some_files(10, 10_000))
    assert "3\xa0files" in scrub("--percent", "25").splitlines()[-1]
    assert "4\xa0files" in scrub("--time", "0s").splitlines()[-1]
    assert "The round is over" in scrub()
    with pytest.raises(CommandError, match="90s, 30m"):
        scrub("--time", "soon")


def test_an_unmounted_volume_is_no_verdict(make_dataset: MakeDataset) -> None:
    dataset = make_dataset(some_files(10))
    files = storage.store().root / "em"
    files.rename(files.with_name("elsewhere"))
    with pytest.raises(CommandError, match="mounted"):
        scrub()
    assert dataset.files.verified().count() == 10
    files.with_name("elsewhere").rename(files)
    assert round_of()[1] == []


def test_a_single_lost_file_is_damage_all_the_same(make_dataset: MakeDataset) -> None:
    dataset = make_dataset({"a.tif": b"12345"})
    place(dataset, "a.tif").unlink()
    assert round_of()[1] == ["a.tif"]


def test_what_cannot_be_read_is_not_judged(make_dataset: MakeDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890"})
    real = LocalStore.open

    def fail(self: LocalStore, key: str, *where: Any) -> Any:
        if key.endswith("a.tif"):
            raise OSError(5, "Input/output error")
        return real(self, key, *where)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "open", fail)
        this, damaged = round_of()
    assert (damaged, this.unreadable, "Input/output error" in this.trouble) == ([], 1, True)
    assert dataset.files.verified().count() == 2


# --- with a second copy -----------------------------------------------------------------------------------------


@pytest.fixture
def copied(make_dataset: MakeDataset, project: Project, other: str) -> Dataset:
    """A dataset with second copies."""
    Project.objects.update(copy_store=other)
    dataset = make_dataset({"a.tif": b"12345", "b.tif": b"67890", "c.tif": b"abcde"})
    call_copy_task()
    assert keys_of(other, dataset) == ["a.tif", "b.tif", "c.tif"]
    return dataset


def call_copy_task() -> None:
    copy_task()


def test_a_damaged_file_is_made_again_from_its_second_copy(copied: Dataset) -> None:
    flip_a_bit(place(copied, "a.tif"))
    place(copied, "b.tif").unlink()
    this, damaged = round_of()
    assert (damaged, this.repaired) == ([], 2)
    assert [content(copied, path) for path in ("a.tif", "b.tif")] == [b"12345", b"67890"]
    assert AuditEvent.objects.filter(kind="file_repaired").count() == 2


def test_a_damaged_second_copy_is_made_again(copied: Dataset, other: str) -> None:
    key = f"em/{copied.name}/a.tif"
    storage.store_named(other).delete(key)
    this, damaged = round_of()
    assert (damaged, this.repaired) == ([], 1)
    assert AuditEvent.objects.get(kind="copy_damaged").subject == "a.tif"
    call_copy_task()
    with storage.store_named(other).open(key) as stream:
        assert stream.read() == b"12345"
    assert FileCopy.objects.good().count() == 3


def test_when_both_are_damaged_the_file_is_not_offered(copied: Dataset, other: str) -> None:
    flip_a_bit(place(copied, "a.tif"))
    storage.store_named(other).delete(f"em/{copied.name}/a.tif")
    assert round_of()[1] == ["a.tif"]
    assert copied.files.verified().count() == 2


def test_a_store_that_is_away_spoils_neither_file_nor_copy(
    copied: Dataset, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(name: str) -> Any:
        if name == other:
            raise StoreTrouble(f"The store “{other}” does not answer.")
        return storage.store()

    with monkeypatch.context() as patch:
        patch.setattr("keeping.services.rereading.store_named", away)
        this, damaged = round_of()
    assert (damaged, this.unreadable, FileCopy.objects.good().count()) == ([], 3, 3)


def test_an_empty_portal_has_a_round_of_nothing(project: Project) -> None:
    assert "The round is over" in scrub()
