"""What this room shows on the dataset page: where the files lie, and whether there is a second copy."""

from django.db.models import Count, Max, Sum
from django.http import HttpRequest

from keeping.models import FileCopy
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
