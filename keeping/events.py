"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.models import DataFile, Dataset


def dataset_moved(dataset: Dataset, actor: Actor, *, old: str) -> None:
    """`dataset` as it is now; what it leaves in the store `old` is not removed yet."""
    record(
        "dataset_moved",
        actor,
        dataset=dataset,
        bytes=dataset.bytes_verified,
        files=dataset.verified_count,
        old=old,
        new=dataset.store,
    )


def file_repaired(file: DataFile, *, store: str, reason: str) -> None:
    record("file_repaired", SYSTEM, dataset=file.dataset, subject=file.path, store=store, reason=reason)


def copy_damaged(file: DataFile, *, store: str, reason: str) -> None:
    record("copy_damaged", SYSTEM, dataset=file.dataset, subject=file.path, store=store, reason=reason)
