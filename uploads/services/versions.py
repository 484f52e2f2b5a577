"""The rows of a dataset's files: locking them, making them, putting old versions aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from portal.counts import Change
from portal.errors import Invalid
from portal.models import DataFile, Dataset
from portal.storage import store
from uploads.errors import DatasetClosed
from uploads.models import Upload
from uploads.services.file_wishes import FileWish, current_files, refuse_name_conflicts

State = DataFile.State


def lock_dataset(dataset_id: UUID) -> Dataset:
    """Whoever changes files of a dataset holds its row, so that the counts and the closing are right."""
    return Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset_id)


def new_file(dataset: Dataset, wish: FileWish) -> DataFile:
    return DataFile(
        dataset=dataset,
        path=wish.path,
        path_key=wish.key,
        size=wish.size,
        mtime_ns=wish.mtime_ns,
        sha256=wish.sha256,
    )


def supersede(files: Sequence[DataFile]) -> Change:
    """Put old versions aside; their unverified bytes are removed after the commit. The change of counts.

    Verified bytes are kept; whoever places the new ones sets them aside first (`uploads.services.older_versions`).
    """
    change = Change()
    for file in files:
        change.files -= 1
        change.bytes_expected -= file.size
        change.received -= file.state == State.RECEIVED
        change.corrupt -= file.state == State.CORRUPT
        if file.state == State.VERIFIED:
            change.verified -= 1
            change.bytes_verified -= file.size
            change.bytes_kept += file.size
    replaced = DataFile.objects.filter(pk__in=[file.pk for file in files])
    replaced.filter(state=State.VERIFIED).update(state=State.SUPERSEDED, kept=DataFile.Kept.IN_PLACE)
    replaced.update(state=State.SUPERSEDED)
    waiting = [file.received_key for file in files if file.state == State.RECEIVED]
    transaction.on_commit(lambda: _delete(waiting))
    return change


def bring_back(dataset: Dataset | UUID, path_keys: Sequence[str]) -> Change:
    """Versions that were verified before, whose successors never came, are the files again. The change of counts.

    Call it when the successors' rows are out of the way. Cost: one query, two when there are any.
    """
    older = DataFile.objects.filter(dataset=dataset, path_key__in=path_keys, kept=DataFile.Kept.IN_PLACE)
    sizes = list(older.values_list("size", flat=True))
    if sizes:
        older.update(state=State.VERIFIED, kept=DataFile.Kept.NOT)
    count, size = len(sizes), sum(sizes)
    return Change(files=count, bytes_expected=size, verified=count, bytes_verified=size, bytes_kept=-size)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an upload will put its bytes: the file of its path as it stands now, if there is one."""

    dataset: Dataset
    wish: FileWish
    existing: DataFile | None


def find_place(dataset: Dataset, wish: FileWish) -> Place:
    """Raises DatasetClosed, or Invalid for a name or size that does not fit.

    An announced file has its size; one that only an unfinished upload brought takes that of the newest upload.
    A closed dataset takes only what was damaged. Cost: one query, three when the path is new.
    """
    existing = current_files(dataset, [wish.key]).get(wish.key)
    awaited = existing is not None and existing.state in (State.EXPECTED, State.CORRUPT)
    if not dataset.is_open and not (dataset.state == Dataset.State.CLOSED and awaited):
        raise DatasetClosed("The dataset is closed and takes no other files. Make a new dataset.")
    refuse_name_conflicts(dataset, [wish], {wish.key: existing} if existing else {})
    if existing and _is_announced_with_other_size(existing, wish):
        raise Invalid(
            f"The file was announced with {existing.size} bytes, not {wish.size}. Announce the new size first.",
            files=[{"path": wish.sent_path, "message": "The size differs from the announced one."}],
        )
    return Place(dataset, wish, existing)


def take_place(place: Place) -> tuple[DataFile, Change]:
    """The file that an upload fills, not yet saved, and what that does to the counts; in a transaction."""
    existing, wish = place.existing, place.wish
    if existing is None:
        return new_file(place.dataset, wish), Change(files=1, bytes_expected=wish.size)
    if existing.state in (State.RECEIVED, State.VERIFIED):
        change = supersede([existing])
        change.files += 1
        change.bytes_expected += wish.size
        return new_file(place.dataset, wish), change
    change = Change(bytes_expected=wish.size - existing.size, corrupt=-(existing.state == State.CORRUPT))
    _await_again(existing, wish)
    return existing, change


def _await_again(file: DataFile, wish: FileWish) -> None:
    file.state, file.reason, file.received_key = State.EXPECTED, "", ""
    file.size = wish.size
    file.sha256 = wish.sha256 or file.sha256
    file.mtime_ns = file.mtime_ns if wish.mtime_ns is None else wish.mtime_ns
    file.attempts, file.not_before, file.leased_until, file.claimed_by = 0, None, None, ""


def _is_announced_with_other_size(file: DataFile, wish: FileWish) -> bool:
    if file.state != State.EXPECTED or file.size == wish.size:
        return False
    return not Upload.objects.receiving().filter(file=file, brought_file=True).exists()


def _delete(keys: list[str]) -> None:
    for key in keys:
        store().delete(key)
