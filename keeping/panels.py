"""What this room shows on the dataset page: until when it is kept, where, and whether in second copies."""

from django.db.models import Count, Max, Sum
from django.http import HttpRequest
from django.utils import timezone

from keeping.models import FileCopy, Keeping
from keeping.outlook import outlook_of
from portal.models import Dataset
from portal.panels import Panel
from portal.stores import LOCAL


def kept_where(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Nothing to tell of a dataset in the portal's own folder alone. Cost: one query."""
    copies = FileCopy.objects.filter(dataset=dataset).exclude(store=dataset.store)
    rows = list(
        copies.values("store", "state").annotate(files=Count("pk"), bytes=Sum("file__size"), last=Max("made_at"))
    )
    planned = dataset.project.copy_store
    if not rows and planned in ("", dataset.store) and dataset.store == LOCAL:
        return None
    context = {
        "rows": sorted(rows, key=lambda row: (row["store"], row["state"])),
        "planned": planned if not rows and planned != dataset.store else "",
        "trouble": copies.to_make().exclude(reason="").values_list("reason", flat=True).first(),
    }
    moving = any(row["state"] != FileCopy.State.GOOD for row in rows)
    return Panel("kept", "Where is it kept?", "keeping/panels/kept.html", context, live=moving)


def kept_until(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Nothing to tell of one that is kept for ever because nobody ever said anything else."""
    if dataset.released_at is None and not Keeping.objects.filter(dataset=dataset).exists():
        return None
    now = timezone.now()
    outlook = outlook_of(dataset, request.user, now)
    if outlook.retention is None and not outlook.keeping.pk and not (outlook.manages and not dataset.is_gone):
        return None
    context = {"outlook": outlook, "now": now}
    going = outlook.keeping.purge_began_at is not None and outlook.keeping.purged_at is None
    return Panel("keeping", "Until when is it kept?", "keeping/panels/kept_until.html", context, live=going)
