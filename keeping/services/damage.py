"""What becomes of a file whose stored bytes are not those that were verified.

It is made again from a good second copy, if there is one. Else it is no longer offered, the source is needed again, and
people are told. Somebody who puts the right bytes back has it offered again at the next look.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from dataplane.errors import DataplaneError
from dataplane.store import put_checked
from keeping import events
from keeping.models import FileCopy
from keeping.services.examining import digests_of
from keeping.services.telling import tell_damaged
from portal.counts import Change, apply_change
from portal.models import DataFile
from portal.storage import file_key, store_named, store_of
from uploads.events import files_corrupt
from uploads.services.release import no_longer_safe
from uploads.services.versions import lock_dataset

State = DataFile.State


def repair(file: DataFile, good: Sequence[FileCopy], reason: str) -> bool:
    """Make the file again from the first of the copies that can be read; False when none can."""
    key = file_key(file.dataset, file)
    for copy in good:
        try:
            with store_named(copy.store).open(key) as source:
                put_checked(store_of(file.dataset), key, source, digests_of(file))
        except (DataplaneError, OSError):
            continue  # the next one, or nobody: then the file is not offered and that is told
        with transaction.atomic():
            events.file_repaired(file, store=file.dataset.store, reason=reason)
        return True
    return False


@transaction.atomic
def condemn(dataset_id: UUID, damaged: Sequence[tuple[DataFile, str]], *, now: datetime) -> list[DataFile]:
    """Files of one dataset, each with what is wrong: no longer offered. Those that were still offered."""
    dataset = lock_dataset(dataset_id)
    condemned = []
    for file, reason in damaged:
        still = DataFile.objects.stored().filter(pk=file.pk, sha256=file.sha256)
        file.state, file.reason = State.CORRUPT, reason[:300]
        if still.update(state=file.state, reason=file.reason):
            condemned.append(file)
    if condemned:
        size = sum(file.size for file in condemned)
        apply_change(dataset.pk, Change(verified=-len(condemned), bytes_verified=-size, corrupt=len(condemned)))
        no_longer_safe(dataset.pk)
        tell_damaged(dataset, condemned, now=now)
        files_corrupt(dataset, condemned)
    return condemned


@transaction.atomic
def acquit(file: DataFile, *, now: datetime) -> bool:
    """A file that was damaged reads as verified again: somebody put it back."""
    dataset = lock_dataset(file.dataset_id)
    still = DataFile.objects.filter(pk=file.pk, state=State.CORRUPT, sha256=file.sha256)
    if not still.update(state=State.VERIFIED, reason="", verified_at=now):
        return False
    apply_change(dataset.pk, Change(verified=1, bytes_verified=file.size, corrupt=-1))
    events.file_repaired(file, store=dataset.store, reason="somebody put it back")
    return True


@transaction.atomic
def remake_copy(copy: FileCopy, reason: str) -> None:
    """A second copy is damaged; it is made again from the file, which is good."""
    if FileCopy.objects.good().filter(pk=copy.pk).update(state=FileCopy.State.WANTED, not_before=None, reason=reason):
        events.copy_damaged(copy.file, store=copy.store, reason=reason)
