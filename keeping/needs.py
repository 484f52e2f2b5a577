"""What needs a person now, as this room knows it."""

from datetime import datetime

from portal.access import visible_datasets
from portal.models import Dataset, User
from portal.needs import SHOWN, Need
from portal.templatetags.quantities import counted


def damaged_in_storage(person: User, now: datetime) -> list[Need]:
    """Released datasets with files that were verified and no longer read as they were."""
    datasets = visible_datasets(person).filter(corrupt_count__gt=0, state=Dataset.State.RELEASED)
    return [
        Need(
            "corrupt",
            dataset.title,
            f"{dataset.get_absolute_url()}?state=corrupt#files",
            f"{counted(dataset.corrupt_count, 'file was,files were')} damaged in storage; not offered any more.",
            "See the files",
        )
        for dataset in datasets.order_by("-created_at")[:SHOWN]
    ]
