"""What people may still say of a dataset after it was made."""

from collections.abc import Sequence

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.models import Dataset, DatasetKeyword
from portal.services.changes import assign, require_valid


def describe_dataset(
    *, dataset: Dataset, actor: Actor, title: str, description: str, keywords: Sequence[str]
) -> Dataset:
    """Changes title, description and keywords. The name stays: it is the folder's. Raises Invalid."""
    changes = assign(dataset, {"title": title, "description": description})
    wanted = sorted({word.strip() for word in keywords if word.strip()})
    require_valid(dataset)
    with transaction.atomic():
        former = sorted(dataset.keywords.values_list("word", flat=True))
        if changes:
            dataset.save(update_fields=list(changes))
        if wanted != former:
            changes["keywords"] = (former, wanted)
            _replace_keywords(dataset, set(former), wanted)
        if changes:
            events.dataset_described(dataset, actor, changes)
    return dataset


def _replace_keywords(dataset: Dataset, former: set[str], wanted: Sequence[str]) -> None:
    added = [DatasetKeyword(dataset=dataset, word=word) for word in wanted if word not in former]
    for keyword in added:
        keyword.clean_fields(exclude=["dataset"])
    DatasetKeyword.objects.filter(dataset=dataset).exclude(word__in=wanted).delete()
    DatasetKeyword.objects.bulk_create(added)
