"""What this room shows on the dataset page: where a copy comes from, and where it was pushed."""

from django.http import HttpRequest

from delivery.models import DatasetCopy, Delivery, Destination
from portal.access import may_send, visible_datasets
from portal.models import Dataset
from portal.panels import Panel

ROWS = 20


def origin(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Nothing for what came from an instrument. Cost: one query, and one more for a copy."""
    copies = DatasetCopy.objects.select_related("source__project", "link", "asked_by")
    copy = copies.filter(target=dataset).first()
    if copy is None:
        return None
    context = {"copy": copy, "may_see": visible_datasets(request.user).filter(pk=copy.source_id).exists()}
    live = copy.state == DatasetCopy.State.COPYING
    return Panel("origin", "Where does it come from?", "delivery/panels/origin.html", context, live=live)


def deliveries(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Where it was pushed to, newest first; nothing for projects without destinations. Cost: three queries."""
    rows = list(Delivery.objects.filter(dataset=dataset).select_related("destination")[:ROWS])
    has_destination = Destination.objects.usable().filter(project=dataset.project_id).exists()
    may = may_send(request.user, dataset.project)
    if not rows and not (has_destination and may):
        return None
    in_time = dataset.state in (Dataset.State.OPEN, Dataset.State.RELEASED)
    context = {"rows": rows, "may_push": may and has_destination and in_time, "may_cancel": may}
    live = any(row.state not in Delivery.ENDED for row in rows)
    return Panel("deliveries", "Pushed to other storage", "delivery/panels/deliveries.html", context, live=live)
