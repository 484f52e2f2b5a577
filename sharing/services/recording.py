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


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request for `spans` of something that has `total` bytes. Without a link a member takes their own data.

    `counted` is false for programs that follow every address: the audit hears of them, receipts do not.
    """

    dataset: Dataset
    actor: Actor
    kind: Receipt.Kind
    subject: str
    total: int
    spans: tuple[Span, ...]
    link: ShareLink | None = None
    file: DataFile | None = None
    counted: bool = True


def note_opened(*, link: ShareLink, now: datetime) -> None:
    """The page was loaded. Weak information, never an access. Cost: one UPDATE, the first time only."""
    if link.state == ShareLink.State.NOT_OPENED:
        not_opened = ShareLink.objects.filter(pk=link.pk, state=ShareLink.State.NOT_OPENED)
        not_opened.update(state=ShareLink.State.OPENED, opened_at=now)


def begin_delivery(*, delivery: Delivery, now: datetime) -> None:
    """Bytes are about to be sent: shows on the dataset page while it lasts."""
    if delivery.link is None or not delivery.counted:
        return
    with transaction.atomic():
        link = _lock(delivery.link)
        _receipt(delivery, now)
        _note_taken(link, delivery, now)


def end_delivery(*, delivery: Delivery, sent: int, now: datetime) -> None:
    """`sent` bytes of the spans have gone out, be it all or not: receipt, state of the link, audit, first-time mail.

    Nothing happens when not a byte did.
    """
    if not sent and delivery.total:
        return
    complete = sent == delivery.total
    with transaction.atomic():
        if delivery.link is not None and delivery.counted:
            complete |= _receive(_lock(delivery.link), delivery, sent, now)
        events.data_taken(
            delivery.dataset,
            delivery.actor,
            what=delivery.kind,
            subject=delivery.subject,
            sent=sent,
            complete=complete,
            start=delivery.spans[0][0],
            counted=delivery.counted,
        )


def _lock(link: ShareLink) -> ShareLink:
    """Several connections often fetch parts of one thing: one at a time adds up."""
    return ShareLink.objects.select_for_update().get(pk=link.pk)


def _receive(link: ShareLink, delivery: Delivery, sent: int, now: datetime) -> bool:
    """Whether these bytes were the last that was missing."""
    receipt = _receipt(delivery, now)
    was_complete = receipt.state == Receipt.State.COMPLETE
    spans = merge([(start, stop) for start, stop in receipt.spans], first_bytes(delivery.spans, sent))
    receipt.spans, receipt.bytes_sent, receipt.last_at = spans, bytes_in(spans), now
    receipt.requests += 1
    if covers(spans, receipt.bytes_total):
        receipt.state = Receipt.State.COMPLETE
    elif receipt.bytes_sent:
        receipt.state = Receipt.State.PARTIAL
    receipt.save(update_fields=["spans", "bytes_sent", "last_at", "requests", "state"])
    _note_taken(link, delivery, now)
    completed = receipt.state == Receipt.State.COMPLETE and not was_complete
    if completed:
        _note_complete(link, delivery, now)
    return completed


def _receipt(delivery: Delivery, now: datetime) -> Receipt:
    return Receipt.objects.get_or_create(
        link=delivery.link,
        kind=delivery.kind,
        file=delivery.file,
        revision=delivery.dataset.revision,
        defaults={"bytes_total": delivery.total, "first_at": now, "last_at": now},
    )[0]


def _note_taken(link: ShareLink, delivery: Delivery, now: datetime) -> None:
    """The list of checksums is no data: whoever has only that is still waiting for the rest."""
    if delivery.kind == Receipt.Kind.MANIFEST:
        return
    if link.state != ShareLink.State.COMPLETE:
        link.state = ShareLink.State.STARTED
    link.first_taken_at = link.first_taken_at or now
    link.last_taken_at = now
    link.save(update_fields=["state", "first_taken_at", "last_taken_at"])


def _note_complete(link: ShareLink, delivery: Delivery, now: datetime) -> None:
    """One thing is complete for the first time: is the whole dataset, by the zip or by every single file?"""
    if delivery.kind == Receipt.Kind.FILE:
        link.files_complete += 1
        link.save(update_fields=["files_complete"])
    by_files = delivery.kind == Receipt.Kind.FILE and link.files_complete >= delivery.dataset.verified_count
    if link.state != ShareLink.State.COMPLETE and (by_files or delivery.kind == Receipt.Kind.ZIP):
        link.state, link.completed_at = ShareLink.State.COMPLETE, now
        link.save(update_fields=["state", "completed_at"])
        _tell_operators(link, delivery.dataset)


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
