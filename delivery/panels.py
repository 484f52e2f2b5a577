"""What this room shows on the dataset page: where a copy comes from."""

from django.http import HttpRequest

from delivery.models import DatasetCopy
from portal.access import visible_datasets
from portal.models import Dataset
from portal.panels import Panel


def origin(request: HttpRequest, dataset: Dataset) -> Panel | None:
    """Nothing for what came from an instrument. Cost: one query, and one more for a copy."""
    copies = DatasetCopy.objects.select_related("source__project", "link", "asked_by")
    copy = copies.filter(target=dataset).first()
    if copy is None:
        return None
    context = {"copy": copy, "may_see": visible_datasets(request.user).filter(pk=copy.source_id).exists()}
    live = copy.state == DatasetCopy.State.COPYING
    return Panel("origin", "Where does it come from?", "delivery/panels/origin.html", context, live=live)
