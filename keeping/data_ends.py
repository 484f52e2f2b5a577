"""Until when links to datasets are of any use: `settings.DATA_ENDS` names the function."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from uuid import UUID

from keeping.due import deletion_at
from keeping.models import Keeping, RetentionClass
from keeping.services.facts import classes_of, situation_of, situations
from portal.models import Dataset
from sharing.services.data_ends import DataEnd

CountedFrom = RetentionClass.CountedFrom


def deletions(datasets: Collection[Dataset], now: datetime) -> Mapping[UUID, DataEnd]:
    """Of those that are deleted by the clock.

    Cost: one query where projects keep everything; three for what the clock has looked at, whatever the number of its
    links; eight where something is new or counts from the last download, and the links of that in memory. While nobody
    could be told of a deletion it moves on: then this is the earliest day.
    """
    keepings = _keepings_of(datasets)
    classes = classes_of(keepings) if keepings else {}
    new = [each for each in keepings if not _is_settled(each, classes[each.dataset_id], now)]
    for situation in situations(new) if new else []:
        situation.keeping.deletion_at = deletion_at(situation.facts, situation.policy, now)
    return {
        each.dataset_id: _end(each, each.deletion_at, classes[each.dataset_id]) for each in keepings if each.deletion_at
    }


def _keepings_of(datasets: Collection[Dataset]) -> list[Keeping]:
    """One for each dataset of a project that has classes; of those that have none yet it is not saved."""
    with_classes = RetentionClass.objects.filter(project__in={dataset.project_id for dataset in datasets})
    projects = set(with_classes.order_by().values_list("project", flat=True))
    kept = {dataset.pk: dataset for dataset in datasets if dataset.project_id in projects}
    rows = {row.dataset_id: row for row in Keeping.objects.filter(dataset__in=kept)} if kept else {}
    for pk, dataset in kept.items():
        rows.setdefault(pk, Keeping()).dataset = dataset
    return list(rows.values())


def _is_settled(keeping: Keeping, retention: RetentionClass | None, now: datetime) -> bool:
    """What the last look said still stands: nobody said anything since, and no download moves the day."""
    moves = retention is not None and retention.counted_from == CountedFrom.LAST_ACCESS
    return not moves and keeping.not_before is not None and keeping.not_before > now


def _end(keeping: Keeping, at: datetime, retention: RetentionClass | None) -> DataEnd:
    if retention is None:
        return DataEnd(at)
    waits = retention.counted_from == CountedFrom.ALL_COMPLETE
    waits_for = cache(lambda: situation_of(keeping).waited_for) if waits else frozenset
    return DataEnd(at, waits_for, agreed_earlier=retention.deletes_early and not keeping.extended_until)
