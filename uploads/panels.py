"""What this room shows on the dataset page: did it arrive whole?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Sum
from django.http import HttpRequest
from django.utils import timezone

from portal.access import may_send
from portal.arriving import arriving_now
from portal.models import DataFile, Dataset
from portal.panels import Panel
from uploads.models import Agent, Bundle, Upload
from uploads.services.bundles import UnderWay, bundles_under_way

_SHOWN = 5
_CLOSED_BY = {
    "upload_token": "The agent closes it by itself at the end of a run.",
    "visitor": "The visitor closes it with “Finish”.",
}
_WORST_FIRST = ("silent", "alive", "stopped")
_STALLED_AFTER = timedelta(minutes=5)


def arrival(request: HttpRequest, dataset: Dataset) -> Panel:
    """Two bars, the largest uploads under way, what is damaged. Cost: five queries for any number of files."""
    now = timezone.now()
    moving = dataset.state in (Dataset.State.OPEN, Dataset.State.CLOSED)
    under_way = (
        Upload.objects.receiving()
        .filter(dataset=dataset, expires_at__gt=now)
        .exclude(role=Upload.Role.BUNDLE)
        .select_related("file")
    )
    held = DataFile.objects.filter(dataset=dataset, state=DataFile.State.RECEIVED).aggregate(size=Sum("size"))
    coming = under_way.aggregate(size=Sum("offset"))
    bundles = bundles_under_way([dataset]).get(dataset.pk, UnderWay())
    context = {
        "arrived_count": dataset.received_count + dataset.verified_count,
        "arrived_bytes": dataset.bytes_verified + (held["size"] or 0) + (coming["size"] or 0) + bundles.bytes,
        "file_count": dataset.file_count + bundles.files,
        "bytes_expected": dataset.bytes_expected + bundles.bytes,
        "bundles": bundles,
        "not_stored": _not_stored(dataset),
        "uploads": [_row(upload, now) for upload in under_way.order_by("-length")[:_SHOWN]],
        "older_count": DataFile.objects.older_versions().filter(dataset=dataset).count() if dataset.bytes_kept else 0,
        "arriving": arriving_now(dataset.pk, now.timestamp()) if moving else None,
        "corrupt": DataFile.objects.filter(dataset=dataset, state=DataFile.State.CORRUPT)[:_SHOWN],
        "may_close": dataset.is_open and may_send(request.user, dataset.project),
        "closed_by": _CLOSED_BY.get(dataset.sender.partition(":")[0], ""),
    }
    return Panel(
        key="arrival",
        title="Did it arrive whole?",
        template="uploads/panels/arrival.html",
        context=context,
        live=moving,
    )


def _not_stored(dataset: Dataset) -> list[dict[str, str]]:
    """Some members of bundles that cannot become files, such as those with a bad name."""
    with_trouble = Bundle.objects.filter(dataset=dataset).exclude(bad=[]).values_list("bad", flat=True)
    invalid = (bad for members in with_trouble[:_SHOWN] for bad in members if bad["state"] == "invalid")
    return list(islice(invalid, _SHOWN))


def _row(upload: Upload, now: datetime) -> dict[str, object]:
    stalled = now - upload.touched_at > _STALLED_AFTER
    return {
        "path": upload.file.path if upload.file else "",
        "state": "stalled" if stalled else "receiving",
        "offset": upload.offset,
        "length": upload.length,
        "touched_at": upload.touched_at,
    }


def instrument_states(instrument_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """The worst state of the agents of each instrument that has any. Cost: one query."""
    agents = Agent.objects.filter(token__instrument__in=instrument_ids).select_related("token")
    found: dict[int, set[str]] = {}
    for agent in agents:
        if agent.token.instrument_id is not None:
            found.setdefault(agent.token.instrument_id, set()).add(agent.state(now))
    return {pk: next(state for state in _WORST_FIRST if state in states) for pk, states in found.items()}
