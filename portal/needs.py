"""What needs a person now, on the home page. Rooms bring their own: functions named in ``settings.HOME_NEEDS``.

Each takes the person and the present and gives at most ``SHOWN`` of what is urgent, the most urgent first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.module_loading import import_string

from portal.access import visible_datasets
from portal.models import Dataset, User
from portal.templatetags.quantities import thin
from portal.templatetags.times import relative_text

SHOWN = 10
OPEN_FOR_LONG = timedelta(days=1)
SILENT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Need:
    """One line: the badge of ``state``, ``subject`` linked to ``url``, then ``text``; ``action``: what to do there."""

    state: str
    subject: str
    url: str
    text: str
    action: str


NeedFunction = Callable[[User, datetime], list[Need]]


def needs_of(person: User, now: datetime) -> list[Need]:
    """What all rooms have for ``person``, in the order of the settings. Cost: a bounded query for each function."""
    functions: list[NeedFunction] = [import_string(name) for name in settings.HOME_NEEDS]
    return [need for function in functions for need in function(person, now)]


def corrupt_files(person: User, now: datetime) -> list[Need]:
    """Datasets with files that did not match their checksums and have not come again."""
    datasets = visible_datasets(person).filter(corrupt_count__gt=0, state__in=["open", "closed"])
    return [
        Need(
            "corrupt",
            dataset.title,
            f"{dataset.get_absolute_url()}?state=corrupt#files",
            _corruption(dataset.corrupt_count),
            "See the files",
        )
        for dataset in datasets.order_by("-created_at")[:SHOWN]
    ]


def _corruption(count: int) -> str:
    if count == 1:
        return "1 file did not match its checksum and must be sent again."
    return f"{thin(count)} files did not match their checksums and must be sent again."


def forgotten_open_datasets(person: User, now: datetime) -> list[Need]:
    """Open for more than a day, and nothing was heard from the instrument for an hour."""
    heard = now - SILENT_FOR
    datasets = visible_datasets(person).filter(
        Q(instrument=None) | Q(instrument__last_contact_at=None) | Q(instrument__last_contact_at__lt=heard),
        state=Dataset.State.OPEN,
        created_at__lt=now - OPEN_FOR_LONG,
    )
    return [
        Need("silent", dataset.title, dataset.get_absolute_url(), _silence(dataset, now), "See the dataset")
        for dataset in datasets.order_by("created_at")[:SHOWN]
    ]


def _silence(dataset: Dataset, now: datetime) -> str:
    opened = f"was begun {relative_text((dataset.created_at - now).total_seconds())} and is still open"
    if dataset.instrument is None:
        return f"{opened}. Close it when nothing more comes."
    heard = dataset.instrument.last_contact_at
    when = f"was last heard {relative_text((heard - now).total_seconds())}" if heard else "was never heard"
    return f"{opened}; {dataset.instrument.name} {when}. Close it when nothing more comes."
