"""What of this room needs a person now (`settings.HOME_NEEDS`)."""

from datetime import datetime, timedelta

from django.db.models import Count, Max

from portal.access import visible_projects
from portal.models import Dataset, User
from portal.needs import SHOWN, Need
from portal.templatetags.quantities import counted
from portal.templatetags.times import relative_text
from uploads.models import Upload

_STALLED_AFTER = timedelta(minutes=15)


def stalled_uploads(person: User, now: datetime) -> list[Need]:
    """Datasets with uploads that were begun, are not whole, and got no byte for a while. Cost: two queries."""
    stalled = (
        Upload.objects.receiving()
        .filter(expires_at__gt=now, dataset__project__in=visible_projects(person))
        .values("dataset")
        .annotate(number=Count("pk"), last=Max("touched_at"))
        .filter(last__lt=now - _STALLED_AFTER)
        .order_by("last")[:SHOWN]
    )
    rows = list(stalled)
    datasets = Dataset.objects.in_bulk([row["dataset"] for row in rows])
    return [_need(datasets[row["dataset"]], row["number"], row["last"], now) for row in rows]


def _need(dataset: Dataset, number: int, last: datetime, now: datetime) -> Need:
    when = relative_text((last - now).total_seconds())
    text = (
        f"{counted(number, 'upload,uploads')} stopped; the last bytes came {when}. Look at the instrument's computer."
    )
    return Need("stalled", dataset.title, dataset.get_absolute_url(), text, "See the dataset")
