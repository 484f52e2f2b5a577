"""Receipts of files that go out many at a time, and of those that the recipient's program has verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet

from portal.actors import Actor
from portal.models import DataFile, Dataset
from sharing import events
from sharing.models import Receipt, ShareLink
from sharing.services.recording import has_each_file, lock_link, note_files_complete, note_taken
from sharing.services.takings import note_bundle_asked, note_bundle_cut
from sharing.services.unended import link_is_running


@dataclass(frozen=True, slots=True)
class Bundled:
    """Files that one request asked for together, and how many bytes the answer has. Without a link a member asks."""

    dataset: Dataset
    link: ShareLink | None
    actor: Actor
    files: Sequence[DataFile]
    revision: int
    total: int


def begin_bundle(*, bundled: Bundled, now: datetime) -> None:
    """Bytes are about to be sent. A receipt for each file, so that it can be verified whatever becomes of us."""
    if bundled.link is None:
        return
    with transaction.atomic():
        link = lock_link(bundled.link)
        note_bundle_asked(link, bundled.files)
        Receipt.objects.bulk_create(
            (_begun(link, file, bundled.revision, now) for file in bundled.files), ignore_conflicts=True
        )
        note_taken(link, now, running=True, way="agent")


def end_bundle(*, bundled: Bundled, sent: int, whole: int, now: datetime) -> None:
    """`sent` bytes have gone out, with the first `whole` files in them; what was cut off will be asked for again."""
    with transaction.atomic():
        if bundled.link is not None:
            _receive(lock_link(bundled.link), bundled, sent, whole, now)
        if sent:
            events.bundle_taken(
                bundled.dataset, bundled.actor, sent=sent, count=whole, complete=sent == bundled.total,
                revision=bundled.revision,
            )  # fmt: skip


def note_verified(*, link: ShareLink, digests: dict[str, str], actor: Actor, now: datetime) -> int:
    """The recipient has these files (SHA-256 by path) and read them back; how many of them are verified now.

    Only what this link was sent counts, in the version that the dataset has: a digest alone proves nothing, it stands
    in the list. Repeat freely. Cost: four queries, two more the first time.
    """
    with transaction.atomic():
        link = lock_link(link)
        files = link.dataset.files.verified().filter(path__in=digests).values_list("pk", "path", "sha256")
        same = [pk for pk, path, sha256 in files if digests[path] == sha256]
        receipts = Receipt.objects.filter(link=link, kind=Receipt.Kind.FILE, file__in=same)
        completed = _complete(receipts.exclude(state__in=Receipt.WHOLE), now)
        new = receipts.filter(state=Receipt.State.COMPLETE).update(state=Receipt.State.VERIFIED, last_at=now)
        if completed:
            note_files_complete(link, completed, now)
        if new:
            _note_files_verified(link, new, now)
            events.files_verified(link.dataset, actor, link=link.pk, count=new, complete=link.state == "verified")
        return receipts.filter(state=Receipt.State.VERIFIED).count()


def _receive(link: ShareLink, bundled: Bundled, sent: int, whole: int, now: datetime) -> None:
    files = [file.pk for file in bundled.files]
    receipts = Receipt.objects.filter(link=link, kind=Receipt.Kind.FILE)
    gone = receipts.filter(file__in=files[:whole])
    new = _complete(gone.exclude(state__in=Receipt.WHOLE), now)
    gone.update(requests=F("requests") + 1, last_at=now, taking_whole=True)
    if sent < bundled.total:
        note_bundle_cut(link, bundled.files[:whole])
    cut = receipts.filter(file__in=files[whole:], state=Receipt.State.STARTED, running__isnull=True)
    cut.update(state=Receipt.State.PARTIAL)
    note_taken(link, now, running=link_is_running(link))
    if new:
        note_files_complete(link, new, now)


def _begun(link: ShareLink, file: DataFile, revision: int, now: datetime) -> Receipt:
    return Receipt(
        link=link,
        kind=Receipt.Kind.FILE,
        file=file,
        revision=revision,
        bytes_total=file.size,
        takings=1,
        first_at=now,
        last_at=now,
    )


def _complete(receipts: QuerySet[Receipt], now: datetime) -> int:
    """Makes them complete; how many there were."""
    return receipts.update(
        state=Receipt.State.COMPLETE, bytes_sent=F("bytes_total"), spans=[], last_at=now, taking_whole=True
    )


def _note_files_verified(link: ShareLink, count: int, now: datetime) -> None:
    link.files_verified += count
    if link.state == ShareLink.State.COMPLETE and has_each_file(link, link.files_verified, [Receipt.State.VERIFIED]):
        link.state, link.verified_at = ShareLink.State.VERIFIED, now
    link.save(update_fields=["files_verified", "state", "verified_at"])
