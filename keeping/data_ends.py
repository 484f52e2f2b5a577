"""Until when links to a dataset are of any use: `settings.DATA_ENDS` names the function."""

from datetime import datetime

from keeping.due import deletion_at
from keeping.models import RetentionClass
from keeping.services.facts import situation_of
from keeping.services.keepings import keeping_of
from portal.models import Dataset
from sharing.services.data_ends import DataEnd

ALL_COMPLETE = RetentionClass.CountedFrom.ALL_COMPLETE


def deletion(dataset: Dataset, now: datetime) -> DataEnd | None:
    """None while it is not deleted by the clock. Cost: one query in a project that keeps everything, else six."""
    if not RetentionClass.objects.filter(project=dataset.project_id).exists():
        return None
    keeping = keeping_of(dataset)
    keeping.dataset = dataset
    situation = situation_of(keeping)
    at = deletion_at(situation.facts, situation.policy, now)
    if at is None:
        return None
    waits = situation.retention is not None and situation.retention.counted_from == ALL_COMPLETE
    return DataEnd(at, frozenset(situation.without if waits else ()))
