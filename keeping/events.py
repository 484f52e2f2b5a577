"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from collections.abc import Mapping
from typing import Any

from keeping.models import Keeping, RetentionClass
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


def retention_class_made(retention: RetentionClass, actor: Actor) -> None:
    record("retention_class_made", actor, project=retention.project, subject=retention.name, says=_said(retention))


def retention_class_changed(retention: RetentionClass, actor: Actor, changes: Mapping[str, tuple[Any, Any]]) -> None:
    told = {name: [before, after] for name, (before, after) in changes.items()}
    record("retention_class_changed", actor, project=retention.project, subject=retention.name, changes=told)


def retention_class_removed(retention: RetentionClass, actor: Actor) -> None:
    record("retention_class_removed", actor, project=retention.project, subject=retention.name, says=_said(retention))


def keeping_changed(keeping: Keeping, actor: Actor, *, retention: str, owner: str) -> None:
    """The names of its class (empty: the project's default) and of its owner."""
    record("keeping_changed", actor, dataset=keeping.dataset, subject=retention, owner=owner or "nobody")


def deletion_warned(keeping: Keeping, *, days: int, people: int) -> None:
    on = keeping.deletion_at.isoformat() if keeping.deletion_at else ""
    record("deletion_warned", SYSTEM, dataset=keeping.dataset, days=days, people=people, deletion_at=on)


def keeping_extended(keeping: Keeping, actor: Actor) -> None:
    until = keeping.extended_until.isoformat() if keeping.extended_until else ""
    record("keeping_extended", actor, dataset=keeping.dataset, until=until, day=until[:10])


def deletion_agreed(keeping: Keeping, actor: Actor) -> None:
    record("deletion_agreed", actor, dataset=keeping.dataset)


def dataset_held(keeping: Keeping, actor: Actor) -> None:
    record("dataset_held", actor, dataset=keeping.dataset, subject=keeping.hold_reason)


def hold_released(keeping: Keeping, actor: Actor, *, was: str) -> None:
    """`was`: who held it, and why."""
    record("hold_released", actor, dataset=keeping.dataset, subject=was)


def dataset_deleted(keeping: Keeping, actor: Actor, *, reason: str) -> None:
    """For users at once; the bytes are still there."""
    until = keeping.purge_after.isoformat() if keeping.purge_after else ""
    dataset = keeping.dataset
    record(
        "dataset_deleted",
        actor,
        dataset=dataset,
        bytes=dataset.bytes_verified,
        files=dataset.verified_count,
        reason=reason,
        restorable_until=until,
        day=until[:10],
    )


def dataset_restored(keeping: Keeping, actor: Actor) -> None:
    record("dataset_restored", actor, dataset=keeping.dataset)


def purge_began(keeping: Keeping) -> None:
    record("purge_began", SYSTEM, dataset=keeping.dataset, bytes=keeping.dataset.bytes_verified)


def dataset_purged(keeping: Keeping) -> None:
    """The list of its files, with sizes and checksums, stays."""
    record("dataset_purged", SYSTEM, dataset=keeping.dataset, bytes=keeping.bytes_purged, files=keeping.files_purged)


def _said(retention: RetentionClass) -> dict[str, Any]:
    names = ("days", "counted_from", "grace_days", "warns_recipients", "extension_days", "most_extensions")
    return {name: getattr(retention, name) for name in (*names, "deletes_early", "is_default")}
