"""What the storage report says of datasets that are not as they should be; the portal's own part of it."""

from datetime import datetime

from portal.models import Dataset
from portal.storage_sections import SHOWN, Cell, Section, count_cell


def corrupt_files(now: datetime) -> Section | None:
    """Datasets with files that are not what was sent. Cost: two queries over an index of those alone."""
    damaged = Dataset.objects.filter(corrupt_count__gt=0).exclude(state__in=Dataset.GONE)
    found = list(damaged.select_related("project").order_by("-corrupt_count", "pk")[:SHOWN])
    if not found:
        return None
    return Section(
        "corrupt",
        "Corrupt files",
        ["Dataset", "Project", "Corrupt files"],
        [
            [
                Cell(dataset.title, url=f"{dataset.get_absolute_url()}?state=corrupt#files", state="corrupt"),
                Cell(dataset.project.name),
                count_cell(dataset.corrupt_count),
            ]
            for dataset in found
        ],
        lead="Their bytes are not those the sender stated; send them again, or put them back from a backup.",
        more=damaged.count() - len(found),
    )
