"""What was taken: the only place where receipts and the state of links change, and where downloads reach the audit.

A download is written down when it begins (unless it is over in one piece) and again when it ends or breaks off.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from dataplane.spans import Span, bytes_in, covers, first_bytes, merge
from portal.actors import Actor
from portal.models import DataFile, Dataset
from portal.outbox import new_notice, queue_notices
from sharing import events
from sharing.models import Receipt, ShareLink
from sharing.services.unended import are_running, end_running, note_resumed, note_running, shown_by_resumes


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request for `spans` of something that has `total` bytes. Without a link a member takes their own data.

    `part` is the fingerprint of a selection. `counted` is false for programs that follow every address: the audit
    hears of them, receipts do not.
    """

    dataset: Dataset
    actor: Actor
    kind: Receipt.Kind
    subject: str
    total: int
    spans: tuple[Span, ...]
    revision: int
    part: str = ""
    link: ShareLink | None = None
    file: DataFile | None = None
    counted: bool = True


def note_opened(*, link: ShareLink, now: datetime) -> None:
    """The page was loaded. Weak information, never an access. Cost: one UPDATE, the first time only."""
    if link.state == ShareLink.State.NOT_OPENED:
        not_opened = ShareLink.objects.filter(pk=link.pk, state=ShareLink.State.NOT_OPENED)
        not_opened.update(state=ShareLink.State.OPENED, opened_at=now)


def begin_delivery(*, delivery: Delivery, now: datetime) -> int | None:
    """Bytes are about to be sent: shows on the dataset page while it lasts. What to name when it ends."""
    if delivery.link is None or not delivery.counted:
        return None
    with transaction.atomic():
        link = _lock(delivery.link)
        receipt = _receipt(delivery, now)
        note_resumed(receipt, delivery.spans)
        if receipt.state != Receipt.State.COMPLETE:
            receipt.state = Receipt.State.STARTED
        receipt.last_at = now
        receipt.save(update_fields=["state", "last_at"])
        _note_taken(link, delivery, now, running=True)
        return note_running(receipt, delivery.spans, now)


def end_delivery(*, delivery: Delivery, sent: int, now: datetime, running: int | None = None) -> None:
    """`sent` bytes of the spans have gone out, be it all or not: receipt, state of the link, audit, first-time mail.

    `running` is what `begin_delivery` gave. Nothing more happens when not a byte went out.
    """
    with transaction.atomic():
        complete = sent == delivery.total
        if delivery.link is not None and delivery.counted and (sent or not delivery.total or running):
            complete |= _receive(_lock(delivery.link), delivery, sent, now, running)
        if not sent and delivery.total:
            return
        events.data_taken(
            delivery.dataset,
            delivery.actor,
            what=delivery.kind,
            subject=delivery.subject,
            sent=sent,
            complete=complete,
            start=delivery.spans[0][0],
            revision=delivery.revision,
            counted=delivery.counted,
        )


def _lock(link: ShareLink) -> ShareLink:
    """Several connections often fetch parts of one thing: one at a time adds up."""
    return ShareLink.objects.select_for_update().get(pk=link.pk)


def _receive(link: ShareLink, delivery: Delivery, sent: int, now: datetime, running: int | None) -> bool:
    """Whether these bytes were the last that was missing."""
    receipt = _receipt(delivery, now)
    was_complete = receipt.state == Receipt.State.COMPLETE
    receipt.requests, receipt.last_at = receipt.requests + 1, now
    end_running(running)
    of_link, of_receipt = are_running(link, receipt)
    _add(receipt, delivery, sent)
    if receipt.state != Receipt.State.COMPLETE:
        receipt.state = Receipt.State.STARTED if of_receipt else Receipt.State.PARTIAL
    receipt.save(update_fields=["spans", "bytes_sent", "last_at", "requests", "state"])
    _note_taken(link, delivery, now, running=of_link)
    completed = receipt.state == Receipt.State.COMPLETE and not was_complete
    if completed:
        _note_complete(link, delivery, now)
    return completed


def _add(receipt: Receipt, delivery: Delivery, sent: int) -> None:
    """The bytes that went out now, and those that a process sent before it was killed, once they make it complete."""
    note_resumed(receipt, delivery.spans)
    receipt.spans = merge([(start, stop) for start, stop in receipt.spans], first_bytes(delivery.spans, sent))
    with_shown = merge(receipt.spans, shown_by_resumes(receipt))
    receipt.bytes_sent = bytes_in(with_shown)
    if covers(with_shown, receipt.bytes_total):
        receipt.spans, receipt.state = with_shown, Receipt.State.COMPLETE


def _receipt(delivery: Delivery, now: datetime) -> Receipt:
    """A file is one version of it, whatever the revision; zips are of one revision each."""
    of = {"file": delivery.file} if delivery.file else {"part": delivery.part, "revision": delivery.revision}
    return Receipt.objects.get_or_create(
        link=delivery.link,
        kind=delivery.kind,
        **of,
        defaults={
            "revision": delivery.revision,
            "subject": delivery.subject if delivery.part else "",
            "bytes_total": delivery.total,
            "first_at": now,
            "last_at": now,
        },
    )[0]


def _note_taken(link: ShareLink, delivery: Delivery, now: datetime, *, running: bool) -> None:
    """The list of checksums is no data: whoever has only that is still waiting for the rest."""
    if delivery.kind == Receipt.Kind.MANIFEST:
        return
    if link.state != ShareLink.State.COMPLETE:
        link.state = ShareLink.State.STARTED if running else ShareLink.State.PARTIAL
    link.first_taken_at = link.first_taken_at or now
    link.last_taken_at = now
    link.save(update_fields=["state", "first_taken_at", "last_taken_at"])


def _note_complete(link: ShareLink, delivery: Delivery, now: datetime) -> None:
    """One thing is complete for the first time: is it, or are all of them, the whole dataset?"""
    if delivery.kind == Receipt.Kind.FILE:
        link.files_complete += 1
        link.save(update_fields=["files_complete"])
    if link.state != ShareLink.State.COMPLETE and _has_everything(link, delivery):
        link.state, link.completed_at = ShareLink.State.COMPLETE, now
        link.save(update_fields=["state", "completed_at"])
        _tell_operators(link, delivery.dataset)


def _has_everything(link: ShareLink, delivery: Delivery) -> bool:
    """By a zip of the newest revision, or by every single file; nobody has everything of what still grows."""
    now = Dataset.objects.only("state", "revision", "verified_count").get(pk=delivery.dataset.pk)
    if now.state in (Dataset.State.OPEN, Dataset.State.CLOSED):
        return False
    if delivery.kind == Receipt.Kind.ZIP:
        return delivery.revision == now.revision
    if delivery.kind != Receipt.Kind.FILE or link.files_complete < now.verified_count:
        return False
    whole = Receipt.objects.filter(link=link, kind=Receipt.Kind.FILE, state=Receipt.State.COMPLETE)
    return whole.filter(file__state=DataFile.State.VERIFIED).count() >= now.verified_count


def _tell_operators(link: ShareLink, dataset: Dataset) -> None:
    """Queued at each completion, sent for the first: the outbox knows the occasion."""
    queue_notices(
        new_notice(
            "first-complete-download",
            address,
            subject_id=dataset.pk,
            slot="first",
            dataset=dataset,
            context={"link": link.pk},
        )
        for address in operators_of(dataset)
    )


def operators_of(dataset: Dataset) -> list[str]:
    """Who is told of release and download: the addresses of the upload token, else the project's."""
    return list(dict.fromkeys(dataset.operator_emails)) or [dataset.project.contact_email]
