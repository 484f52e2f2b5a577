"""Finding datasets: each word somewhere in name, title, keywords, recipients, metadata or instrument; state; dates."""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from portal.models import Dataset, DatasetKeyword, DatasetRecipient, Instrument

TEXTS = ("name", "title", "investigation", "instrument__name")


@dataclass(frozen=True, slots=True)
class DatasetWish:
    """What to look for; empty fields do not matter. ``until`` is not included."""

    text: str = ""
    state: str = ""
    instrument: Instrument | None = None
    since: datetime | None = None
    until: datetime | None = None


def search_datasets(datasets: QuerySet[Dataset], wish: DatasetWish) -> QuerySet[Dataset]:
    """Those of ``datasets`` that fit ``wish``. A rare word walks over the project's datasets once, in the database."""
    if wish.state:
        datasets = datasets.filter(state=wish.state)
    if wish.instrument:
        datasets = datasets.filter(instrument=wish.instrument)
    if wish.since:
        datasets = datasets.filter(created_at__gte=wish.since)
    if wish.until:
        datasets = datasets.filter(created_at__lt=wish.until)
    words = wish.text.split()
    if words:
        datasets = datasets.alias(metadata_text=Cast("metadata", TextField()))
    for word in words:
        datasets = datasets.filter(_has(word))
    return datasets


def _has(word: str) -> Q:
    found = Q(Exists(DatasetKeyword.objects.filter(dataset=OuterRef("pk"), word__icontains=word)))
    found |= Q(Exists(DatasetRecipient.objects.filter(dataset=OuterRef("pk"), email__icontains=word)))
    for text in TEXTS:
        found |= Q(**{f"{text}__icontains": word})
    # SQLite keeps JSON as it was written, with escapes for all that is not ASCII; PostgreSQL does not.
    for written in {word, json.dumps(word)[1:-1]}:
        found |= Q(metadata_text__icontains=written)
    return found
