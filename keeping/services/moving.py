"""A dataset moves from one store to another: copies that read back, then one row is switched, then the old bytes go.

Each step can be repeated: a move that was killed goes on where it was. Downloads go on throughout; one that has just
looked for a file in the old store finds it in the new one.
"""

from datetime import datetime
from io import BytesIO
from secrets import token_hex
from uuid import UUID

from django.db import transaction

from dataplane.errors import NotStored
from dataplane.store import Store
from keeping import events
from keeping.models import CopyPlan, FileCopy, FileCopyQuerySet
from keeping.services.copies import Moved, Tell, in_batches, make_copies, quietly, remove_left, want_copies
from portal.actors import Actor
from portal.errors import Conflict
from portal.mail_claims import Clock
from portal.models import DataFile, Dataset, Project
from portal.storage import store_named, store_of

State = FileCopy.State


def datasets_to_move(target: str, *, project: Project | None = None, name: str = "") -> "list[Dataset]":
    """Oldest first; those that are there already are left out."""
    datasets = Dataset.objects.exclude(state__in=Dataset.GONE).exclude(store=target).select_related("project")
    datasets = datasets.filter(project=project) if project else datasets
    return list((datasets.filter(name=name) if name else datasets).order_by("created_at"))


def hindrance(dataset: Dataset) -> str:
    """Why a dataset cannot be moved now; empty when it can."""
    if dataset.state in (Dataset.State.OPEN, Dataset.State.CLOSED):
        return "still receiving; move it once it is released"
    if dataset.is_gone:
        return "it is deleted"
    if DataFile.objects.older_versions().filter(dataset=dataset).exists():
        return "older versions of its files are about to be removed; try again in ten minutes"
    return ""


def move_dataset(dataset: Dataset, target: str, *, actor: Actor, clock: Clock, tell: Tell = quietly) -> Moved:
    """Move the files of a released dataset to the store `target`.

    What is `put_off` is not copied yet: then the dataset stays where it is, and another call goes on.
    Raises Conflict when the two stores are one place, StoreTrouble when one does not answer.
    """
    refuse_same_place(store_of(dataset), store_named(target))
    _plan(dataset, target, clock())
    moved = make_copies(clock=clock, among=_copies(dataset, target), tell=tell)
    _note_old_bytes(dataset)
    if _switch(dataset.pk, target, actor):
        remove_left(clock=clock, among=FileCopy.objects.filter(dataset=dataset))
        _copies(dataset, target).delete()
    return moved


def refuse_same_place(one: Store, other: Store) -> None:
    """Two names for one place would let the first copy be removed for the second. Raises Conflict."""
    probe = f".probe/{token_hex(8)}"
    other.put(probe, BytesIO(b"is it the same place?"), 21)
    try:
        one.size(probe)
    except NotStored:
        return
    finally:
        other.delete(probe)
    raise Conflict("Both stores are the same place under two names. Correct LABCOURIER_STORES.")


def _plan(dataset: Dataset, target: str, now: datetime) -> None:
    """Copies made before the move began are read again; those of a move that was killed are believed."""
    moving = CopyPlan.objects.filter(dataset=dataset, store=target, moving_since__isnull=False)
    if not moving.exists():
        _copies(dataset, target).good().update(state=State.WANTED)
        said = {"revision": dataset.revision, "moving_since": now}
        CopyPlan.objects.update_or_create(dataset=dataset, store=target, defaults=said)
    want_copies(dataset, target)
    _copies(dataset, target).to_make().update(not_before=None)


def _copies(dataset: Dataset, store: str) -> FileCopyQuerySet:
    return FileCopy.objects.filter(dataset=dataset, store=store)


def _note_old_bytes(dataset: Dataset) -> None:
    """What is to be removed, or stays as second copies, once the dataset has left. Until then nobody acts on it."""
    stays = dataset.project.copy_store == dataset.store
    _copies(dataset, dataset.store).update(state=State.GOOD if stays else State.LEAVING)
    for files in in_batches(dataset.files.verified().exclude(copies__store=dataset.store)):
        FileCopy.objects.bulk_create(
            [
                FileCopy(
                    dataset=dataset,
                    file=file,
                    store=dataset.store,
                    state=State.GOOD if stays else State.LEAVING,
                    made_at=file.verified_at,
                )
                for file in files
            ],
            ignore_conflicts=True,
        )


@transaction.atomic
def _switch(dataset_id: UUID, target: str, actor: Actor) -> bool:
    """False while a file has no good copy there."""
    dataset = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset_id)
    good = FileCopy.objects.good().filter(dataset=dataset, store=target)
    if hindrance(dataset) or dataset.files.verified().exclude(pk__in=good.values("file")).exists():
        return False
    old, dataset.store = dataset.store, target
    dataset.save(update_fields=["store"])
    CopyPlan.objects.filter(dataset=dataset).delete()
    events.dataset_moved(dataset, actor, old=old)
    return True
