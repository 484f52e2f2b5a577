"""What this room shows on the dataset page: the links, and what was taken with each."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone

from portal.access import may_send
from portal.models import Dataset
from portal.panels import Panel
from sharing.models import Receipt, RenewalRequest, ShareLink
from sharing.undelivered import perhaps_undelivered
from sharing.wording import steps_of, ways_used

ROWS = 100
MOMENT = timedelta(minutes=5)


def links_panel(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Who may download until when, and how far they are. Cost: three queries, whatever the number of links."""
    waits = RenewalRequest.objects.waiting().filter(link=OuterRef("pk"), ended_at=OuterRef("expires_at"))
    found = ShareLink.objects.filter(dataset=dataset).annotate(more_time_waits=Exists(waits))
    links = list(found.order_by("-id")[: ROWS + 1])
    unreached, now = perhaps_undelivered(links), timezone.now()
    context = {
        "links": [
            {
                "link": link,
                "ended": _ended(link, dataset, now),
                "steps": steps_of(link),
                "ways": ways_used(link),
                "undelivered": unreached.get(link.pk),
            }
            for link in links[:ROWS]
        ],
        "more": len(links) > ROWS,
        "may_share": may_send(request.user, dataset.project),
        "released": dataset.state == Dataset.State.RELEASED,
        "may_be_shared": dataset.may_be_shared,
        "now": now,
    }
    return Panel("links", "Links", "sharing/panels/links.html", context, live=_is_moving(links, now))


def receipts_panel(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """What was taken, newest first. Cost: one query."""
    receipts = Receipt.objects.filter(link__dataset=dataset).select_related("link", "file").order_by("-last_at")
    shown = list(receipts[: ROWS + 1])
    if not shown:
        return None
    now = timezone.now()
    context = {"receipts": shown[:ROWS], "more": len(shown) > ROWS, "now": now}
    moving = _is_moving((receipt.link for receipt in shown), now)
    return Panel("receipts", "Receipts", "sharing/panels/receipts.html", context, live=moving)


def _ended(link: ShareLink, dataset: Dataset, now: datetime) -> str:
    """The state of a link that no longer works, empty for one that does."""
    if link.revoked_at:
        return "revoked"
    return "" if link.is_open(now) and dataset.may_be_shared else "expired"


def _is_moving(links: Iterable[ShareLink], now: datetime) -> bool:
    """Bytes are going out, or did a moment ago: whoever was cut off comes back."""
    return any(
        link.state == ShareLink.State.STARTED
        or (link.state == ShareLink.State.PARTIAL and link.last_taken_at and link.last_taken_at > now - MOMENT)
        for link in links
    )


def fetched_notes(dataset_ids: Sequence[UUID]) -> dict[UUID, str]:
    """For lists of datasets: how many recipients have everything. Cost: one query."""
    rows = (
        ShareLink.objects.filter(dataset__in=dataset_ids)
        .values("dataset")
        .annotate(
            people=Count("recipient", distinct=True),
            complete=Count("recipient", distinct=True, filter=Q(state__in=ShareLink.WHOLE)),
        )
    )
    return {row["dataset"]: f"{row['complete']} of {row['people']} have it" for row in rows}
