"""Saying which files are coming."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from portal.actors import Actor
from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset
from uploads import events
from uploads.errors import DatasetClosed
from uploads.models import Upload
from uploads.services.bell import ring_to_verify
from uploads.services.drops import require_drop_room
from uploads.services.file_wishes import (
    FileWish,
    RawWish,
    checked_wishes,
    current_files,
    key_of,
    note_folders,
    refuse_name_conflicts,
)
from uploads.services.release import release_if_whole
from uploads.services.room import require_quota
from uploads.services.stop import cancel_uploads
from uploads.services.versions import bring_back, lock_dataset, new_file, supersede

State = DataFile.State
_RECORDED = ("size", "mtime_ns", "sha256")


@dataclass(slots=True)
class _Plan:
    """What an announcement changes, worked out before anything is written."""

    new: list[DataFile] = field(default_factory=list)
    restated: list[DataFile] = field(default_factory=list)
    superseded: list[DataFile] = field(default_factory=list)
    rewritten_ids: list[int] = field(default_factory=list)
    counts: Change = field(default_factory=Change)


def announce_files(*, dataset_id: UUID, raw_wishes: Sequence[RawWish], now: datetime) -> list[DataFile]:
    """Record which files are coming, or their checksums; the files in the order of the wishes.

    Saying the same again changes nothing. Another size, time or checksum of a file that has arrived begins a new
    version. Raises Invalid with nothing recorded when any wish is bad, DatasetClosed when a closed
    dataset would change, NoRoom beyond the quota. Cost: at most 15 queries and one for each 100 files.
    """
    wishes = checked_wishes(raw_wishes)
    with transaction.atomic():
        dataset = lock_dataset(dataset_id)
        existing = current_files(dataset, [wish.key for wish in wishes])
        refuse_name_conflicts(dataset, wishes, existing)
        plan = _Plan()
        files = [_plan_one(plan, dataset, existing.get(wish.key), wish) for wish in wishes]
        if (plan.new or plan.restated) and not dataset.is_open:
            raise DatasetClosed("The dataset is closed and takes no other files. Make a new dataset.")
        require_drop_room(dataset, plan.counts.bytes_expected)
        require_quota(dataset.project, plan.counts.bytes_expected)
        _carry_out(plan, dataset)
        Upload.objects.receiving().filter(file__in=[file.pk for file in existing.values()], brought_file=True).update(
            brought_file=False
        )
        ring_to_verify()
    return files


def withdraw_files(*, dataset_id: UUID, paths: Sequence[str], actor: Actor, now: datetime) -> list[DataFile]:
    """Take back announced files that did not come, or came damaged; the named ones that stay, as they are.

    Of a file that was verified before, that version is the file again. A closed dataset that only waited for them is
    released. Raises DatasetClosed once it is. Cost: eight queries.
    """
    with transaction.atomic():
        dataset = lock_dataset(dataset_id)
        if dataset.state not in (Dataset.State.OPEN, Dataset.State.CLOSED):
            raise DatasetClosed("The dataset is handed over: its files stay as they are. Ask the facility's staff.")
        named = list(current_files(dataset, [key_of(path) for path in paths]).values())
        gone = [file for file in named if file.state in (State.EXPECTED, State.CORRUPT)]
        if gone:
            change = supersede(gone)
            change += bring_back(dataset, [file.path_key for file in gone])
            apply_change(dataset.pk, change)
            cancel_uploads(Upload.objects.filter(file__in=[file.pk for file in gone]))
            events.files_withdrawn(dataset, actor, gone)
            release_if_whole(dataset.pk, now=now)
    return [file for file in named if file not in gone]


def _plan_one(plan: _Plan, dataset: Dataset, file: DataFile | None, wish: FileWish) -> DataFile:
    if file is None:
        return _plan_new(plan, dataset, wish)
    if _is_other_version(file, wish):
        if file.state != State.EXPECTED:
            plan.superseded.append(file)
            return _plan_new(plan, dataset, wish)
        plan.rewritten_ids.append(file.pk)
        plan.counts.bytes_expected += wish.size - file.size
        file.size, file.mtime_ns, file.sha256 = wish.size, wish.mtime_ns, wish.sha256
        plan.restated.append(file)
    elif wish.sha256 and not file.sha256:
        file.sha256 = wish.sha256
        plan.restated.append(file)
    return file


def _plan_new(plan: _Plan, dataset: Dataset, wish: FileWish) -> DataFile:
    file = new_file(dataset, wish)
    plan.new.append(file)
    plan.counts.files += 1
    plan.counts.bytes_expected += wish.size
    return file


def _is_other_version(file: DataFile, wish: FileWish) -> bool:
    """A touched file whose content is stated to be the same is no other version."""
    if wish.size != file.size:
        return True
    if wish.sha256 and file.sha256:
        return wish.sha256 != file.sha256
    return wish.mtime_ns is not None and file.mtime_ns is not None and wish.mtime_ns != file.mtime_ns


def _carry_out(plan: _Plan, dataset: Dataset) -> None:
    change = plan.counts
    if plan.superseded:
        change += supersede(plan.superseded)
    stopped = [*(file.pk for file in plan.superseded), *plan.rewritten_ids]
    if stopped:
        cancel_uploads(Upload.objects.filter(file__in=stopped))
    DataFile.objects.bulk_create(plan.new)
    note_folders(dataset, (file.path for file in plan.new))
    DataFile.objects.bulk_update(plan.restated, _RECORDED)
    if change != Change():
        apply_change(dataset.pk, change)
