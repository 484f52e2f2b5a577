"""What was taken: the only place where receipts and the state of links change, and where downloads reach the audit.

A download is written down when it begins (unless it is over in one piece) and again when it ends or breaks off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from dataplane.spans import Span, bytes_in, covers, first_bytes, merge
from dataplane.ziplayout_writer import MANIFEST_NAME
from portal.actors import Actor
from portal.models import DataFile, Dataset
from sharing import events
from sharing.models import Receipt, ShareLink
from sharing.services import takings
from sharing.services.telling import tell_of_completion
from sharing.services.unended import (
    Running,
    are_running,
    end_running,
    killed,
    note_resumed,
    note_running,
    shown_by_resumes,
)

AGENT = "labcourier-agent/"  # how the program `labcourier` calls itself


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


def begin_delivery(*, delivery: Delivery, now: datetime) -> Running | None:
    """Bytes are about to be sent: shows on the dataset page while it lasts. What to name when it ends."""
    if delivery.link is None or not delivery.counted:
        return None
    with transaction.atomic():
        link = lock_link(delivery.link)
        receipt = _receipt(delivery, now)
        settle_killed(link, receipt, now)
        note_resumed(receipt, delivery.spans)
        takings.note_asked(link, receipt, delivery.spans)
        if receipt.state not in Receipt.WHOLE:
            receipt.state = Receipt.State.STARTED
        receipt.last_at = now
        receipt.save(update_fields=["state", "last_at", *takings.COLUMNS])
        if delivery.kind != Receipt.Kind.MANIFEST:
            note_taken(link, now, running=True, way=_way(delivery))
        return note_running(receipt, delivery.spans, now)


def end_delivery(*, delivery: Delivery, sent: int, now: datetime, running: Running | None = None) -> None:
    """`sent` bytes of the spans have gone out, be it all or not: receipt, state of the link, audit, first-time mail.

    `running` is what `begin_delivery` gave. Nothing more happens when not a byte went out.
    """
    with transaction.atomic():
        complete = sent == delivery.total
        if delivery.link is not None and delivery.counted and (sent or not delivery.total or running):
            complete |= _receive(lock_link(delivery.link), delivery, sent, now, running)
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


def lock_link(link: ShareLink) -> ShareLink:
    """Several connections often fetch parts of one thing: one at a time adds up."""
    return ShareLink.objects.select_for_update().get(pk=link.pk)


def settle_killed(link: ShareLink, receipt: Receipt, now: datetime) -> None:
    """What a killed process had sent counts as if it had said so itself; with the link locked. Cost: one query."""
    for spans, sent in killed(receipt):
        completed = _add(link, receipt, spans, sent, now)
        if sent:
            events.data_taken(
                link.dataset,
                Actor("recipient", str(link.pk), link.recipient),
                what=receipt.kind,
                subject=_subject(link.dataset, receipt),
                sent=sent,
                complete=completed or sent == receipt.bytes_total,
                start=spans[0][0],
                revision=receipt.revision,
                counted=True,
            )


def _receive(link: ShareLink, delivery: Delivery, sent: int, now: datetime, running: Running | None) -> bool:
    """Whether these bytes were the last that was missing."""
    receipt = _receipt(delivery, now)
    settle_killed(link, receipt, now)
    note_resumed(receipt, delivery.spans)
    end_running(running)
    receipt.last_at = now
    if running is None:
        takings.note_asked(link, receipt, delivery.spans, refuse=False)
        link.taken_by = with_way(link.taken_by, _way(delivery))
    return _add(link, receipt, delivery.spans, sent, now)


def _add(link: ShareLink, receipt: Receipt, spans: Sequence[Span], sent: int, now: datetime) -> bool:
    """A request has ended. Whether it brought the last that was missing."""
    was_complete = receipt.state in Receipt.WHOLE
    receipt.requests += 1
    of_link, of_receipt = are_running(link, receipt)
    _add_bytes(receipt, spans, sent)
    if receipt.state not in Receipt.WHOLE:
        receipt.state = Receipt.State.STARTED if of_receipt else Receipt.State.PARTIAL
    columns = ["spans", "bytes_sent", "last_at", "requests", "state", *takings.COLUMNS]
    receipt.save(update_fields=columns)
    if receipt.kind != Receipt.Kind.MANIFEST:
        note_taken(link, now, running=of_link)
    completed = receipt.state in Receipt.WHOLE and not was_complete
    if completed:
        _note_complete(link, receipt, now)
    return completed


def _add_bytes(receipt: Receipt, spans: Sequence[Span], sent: int) -> None:
    """The bytes that went out, and those of a piece in which a process was killed, once they make it complete."""
    shown = shown_by_resumes(receipt)
    takings.note_sent(receipt, spans, sent, shown)
    if receipt.state in Receipt.WHOLE:
        return
    receipt.spans = merge([(start, stop) for start, stop in receipt.spans], first_bytes(spans, sent))
    with_shown = merge(receipt.spans, shown)
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


def with_way(known: list[str], way: str) -> list[str]:
    return known if not way or way in known else [*known, way]


def _way(delivery: Delivery) -> str:
    """In which way the data went out, as the page of receipts has it."""
    if delivery.kind == Receipt.Kind.FILE and delivery.actor.client.startswith(AGENT):
        return "agent"
    return "zip" if delivery.kind == Receipt.Kind.PART else delivery.kind.value


def note_taken(link: ShareLink, now: datetime, *, running: bool, way: str = "") -> None:
    """Not for the list of checksums, which is no data: whoever has only that is still waiting for the rest."""
    if link.state not in ShareLink.WHOLE:
        link.state = ShareLink.State.STARTED if running else ShareLink.State.PARTIAL
    link.first_taken_at = link.first_taken_at or now
    link.last_taken_at = now
    link.taken_by = with_way(link.taken_by, way)
    link.save(update_fields=["state", "first_taken_at", "last_taken_at", "taken_by"])


def _subject(dataset: Dataset, receipt: Receipt) -> str:
    """As the audit calls what was taken."""
    if receipt.file:
        return receipt.file.path
    return receipt.subject or (f"{dataset.name}.zip" if receipt.kind == Receipt.Kind.ZIP else MANIFEST_NAME)


def _note_complete(link: ShareLink, receipt: Receipt, now: datetime) -> None:
    """One thing is complete for the first time; by a zip of the newest revision everything is."""
    if receipt.kind == Receipt.Kind.FILE:
        note_files_complete(link, 1, now)
    elif receipt.kind in (Receipt.Kind.ZIP, Receipt.Kind.COPY, Receipt.Kind.PUSH):
        dataset = _grown(link)
        if dataset and receipt.revision == dataset.revision:
            _note_everything(link, now)


def note_files_complete(link: ShareLink, count: int, now: datetime) -> None:
    """`count` single files are complete for the first time: are all of them, the whole dataset?"""
    link.files_complete += count
    link.save(update_fields=["files_complete"])
    if has_each_file(link, link.files_complete, Receipt.WHOLE):
        _note_everything(link, now)


def has_each_file(link: ShareLink, at_most: int, states: Sequence[Receipt.State]) -> bool:
    """Whether each file that the dataset has now has a receipt in one of `states`; `at_most` so many of all have.

    Cost: one query, and a count of receipts once `at_most` is enough.
    """
    dataset = _grown(link)
    if dataset is None or at_most < dataset.verified_count:
        return False
    taken = Receipt.objects.filter(link=link, kind=Receipt.Kind.FILE, state__in=states)
    return taken.filter(file__state=DataFile.State.VERIFIED).count() >= dataset.verified_count


def _grown(link: ShareLink) -> Dataset | None:
    """The dataset as it is now; None while it still grows, when nobody has everything."""
    dataset = Dataset.objects.only("state", "revision", "verified_count").get(pk=link.dataset_id)
    return None if dataset.state in (Dataset.State.OPEN, Dataset.State.CLOSED) else dataset


def _note_everything(link: ShareLink, now: datetime) -> None:
    if link.state not in ShareLink.WHOLE:
        link.state, link.completed_at = ShareLink.State.COMPLETE, now
        link.save(update_fields=["state", "completed_at"])
        tell_of_completion(link, now)
