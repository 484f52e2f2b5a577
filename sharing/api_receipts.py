"""What a person's own programs learn of the links of a dataset: how far each recipient is, and what was taken when."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from portal.access_tokens import reader_of
from portal.api_member import dataset_of_member
from portal.errors import NotFound
from sharing.models import Receipt, ShareLink

MOST = 1000
Limit = Annotated[int, Query(ge=1, le=MOST)]

router = Router(tags=["members"])


class LinkReceiptOut(Schema):
    """How far the recipient is; `ways` are zip, file, agent, copy, push; `answer` is empty,
    has_it, not_theirs or no_reminders. Times are null for what did not happen."""

    id: int
    recipient: str
    shared_by: str
    state: str
    opened_at: datetime | None
    started_at: datetime | None
    last_at: datetime | None
    completed_at: datetime | None
    verified_at: datetime | None
    answer: str
    answered_at: datetime | None
    ways: list[str]
    downloads: int
    most_downloads: int | None
    files_complete: int
    files_verified: int
    starts_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, link: ShareLink) -> Self:
        same = {name: getattr(link, name) for name in cls.model_fields if name != "ways" and hasattr(link, name)}
        return cls(
            **same,
            shared_by=link.created_by_label,
            started_at=link.first_taken_at,
            last_at=link.last_taken_at,
            ways=link.taken_by,
        )


class LinkReceiptsOut(Schema):
    links: list[LinkReceiptOut]
    next: int | None


class ThingTakenOut(Schema):
    """One zip, file or copy: `bytes_sent` are different bytes, however many `requests` it took."""

    kind: str
    path: str
    state: str
    revision: int
    bytes_sent: int
    bytes_total: int
    requests: int
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        same = {name: getattr(receipt, name) for name in cls.model_fields if hasattr(receipt, name)}
        return cls(**same, path=receipt.file.path if receipt.file else receipt.subject)


class ThingsTakenOut(Schema):
    receipts: list[ThingTakenOut]
    next: int | None


@router.get("/{dataset_id}/receipts", response=LinkReceiptsOut, auth=reader_of)
def link_receipts(
    request: HttpRequest, response: HttpResponse, dataset_id: UUID, cursor: int = 0, limit: Limit = MOST
) -> LinkReceiptsOut:
    """The links of a dataset, oldest first. `next` is the cursor of the following page. Cost: two queries."""
    response["Cache-Control"] = "private, no-store"
    links = ShareLink.objects.filter(dataset=dataset_of_member(request, dataset_id), pk__gt=cursor)
    page = list(links.order_by("pk")[: limit + 1])
    last = page[limit - 1].pk if len(page) > limit else None
    return LinkReceiptsOut(links=[LinkReceiptOut.of(link) for link in page[:limit]], next=last)


@router.get("/{dataset_id}/receipts/{link_id}", response=ThingsTakenOut, auth=reader_of)
def things_taken(
    request: HttpRequest,
    response: HttpResponse,
    dataset_id: UUID,
    link_id: int,
    cursor: int = 0,
    limit: Limit = MOST,
) -> ThingsTakenOut:
    """What was taken with one link, file by file, as it was begun. Cost: three queries."""
    response["Cache-Control"] = "private, no-store"
    link = ShareLink.objects.filter(dataset=dataset_of_member(request, dataset_id), pk=link_id).first()
    if link is None:
        raise NotFound("This dataset has no such link. Its links stand under “receipts”.")
    page = list(link.receipts.select_related("file").filter(pk__gt=cursor).order_by("pk")[: limit + 1])
    last = page[limit - 1].pk if len(page) > limit else None
    return ThingsTakenOut(receipts=[ThingTakenOut.of(receipt) for receipt in page[:limit]], next=last)
