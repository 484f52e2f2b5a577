"""Making a dataset and closing it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from portal.actors import Actor
from portal.errors import Invalid, TryLater
from portal.models import DataFile, Dataset, DatasetKeyword, DatasetRecipient, Instrument, Project
from uploads import events
from uploads.access import Sender
from uploads.errors import AlreadyClosed, FilesMissing
from uploads.models import Bundle
from uploads.services.release import release_if_whole

_NAME_TRIES = 100
_MISSING_SHOWN = 50


@dataclass(frozen=True, slots=True)
class DatasetWish:
    """What a sender says of a new dataset. `name` is an optional suffix of the folder's name."""

    client_key: str
    title: str
    name: str = ""
    description: str = ""
    investigation: str = ""
    keywords: list[str] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    recipients: list[str] = field(default_factory=list)


def create_dataset(
    *, sender: Sender, project: Project, instrument: Instrument | None, wish: DatasetWish, now: datetime
) -> tuple[Dataset, bool]:
    """The dataset of this sender and client key, and whether it is new. Raises Invalid for recipients."""
    recipients, keys = checked_addresses(wish.recipients), sender.keys
    for attempt in range(_NAME_TRIES):
        known = Dataset.objects.select_related("project", "instrument").filter(
            sender__in=keys, client_key=wish.client_key
        )
        if dataset := known.first():
            return dataset, False
        name = dataset_name(wish.name or wish.title, now + timedelta(milliseconds=10 * attempt))
        try:
            return _insert(sender, project, instrument, wish, name, recipients), True
        except IntegrityError:  # another request took the name, or made this very dataset: look again
            continue
    raise TryLater("No free name was found for the dataset. Try again in a second.")


def dataset_of_the_day(*, sender: Sender, now: datetime) -> Dataset:
    """Where files of generic clients go, which name no dataset: one a day and token, a new one once it is closed.

    Raises Invalid for a person: a browser knows which dataset it fills.
    """
    if sender.token is None:
        raise Invalid("Say in Upload-Metadata which dataset the file belongs to.")
    today = timezone.localdate(now)
    of_today = Dataset.objects.select_related("project").filter(
        sender__in=sender.keys, client_key__startswith=f"day:{today}"
    )
    # One look, not two: whoever counts again after another request made the first would make a second.
    known = list(of_today.order_by("-created_at"))
    if known and known[0].is_open:
        return known[0]
    wish = DatasetWish(client_key=f"day:{today}:{len(known)}", title=f"{sender.token.label}, {today:%-d %B %Y}")
    project, instrument = sender.token.project, sender.token.instrument
    return create_dataset(sender=sender, project=project, instrument=instrument, wish=wish, now=now)[0]


def close_dataset(*, dataset_id: UUID, actor: Actor, now: datetime) -> Dataset:
    """No more files: it is released once all are verified. Raises AlreadyClosed, FilesMissing."""
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update(of=("self",)).select_related("project").get(pk=dataset_id)
        if not dataset.is_open:
            raise AlreadyClosed("The dataset is closed already. There is nothing left to do.")
        _refuse_missing(dataset)
        dataset.state, dataset.closed_at = Dataset.State.CLOSED, now
        dataset.save(update_fields=["state", "closed_at"])
        events.dataset_closed(dataset, actor)
        release_if_whole(dataset.pk, now=now)
    dataset.refresh_from_db()
    return dataset


def dataset_name(wanted: str, now: datetime) -> str:
    """Readable, sortable, fit for any file system: `2026-11-20_18.20.37-32-title`, in the portal's time zone."""
    local = timezone.localtime(now)
    stamp = f"{local:%Y-%m-%d_%H.%M.%S}-{local.microsecond // 10_000:02d}"
    return f"{stamp}-{slugify(wanted)[:80].strip('-') or 'data'}"


def _insert(
    sender: Sender,
    project: Project,
    instrument: Instrument | None,
    wish: DatasetWish,
    name: str,
    recipients: list[str],
) -> Dataset:
    with transaction.atomic():
        dataset = Dataset.objects.create(
            project=project,
            instrument=instrument,
            client_key=wish.client_key,
            sender=sender.key,
            sent_by=sender.actor.label[:200],
            name=name,
            store=project.store,
            title=wish.title,
            description=wish.description,
            investigation=wish.investigation,
            metadata=wish.metadata,
            operator_emails=sender.told_emails,
        )
        words = dict.fromkeys(wish.keywords)
        DatasetKeyword.objects.bulk_create([DatasetKeyword(dataset=dataset, word=word) for word in words])
        DatasetRecipient.objects.bulk_create([DatasetRecipient(dataset=dataset, email=email) for email in recipients])
        events.dataset_created(dataset, sender.actor)
    return dataset


def checked_addresses(addresses: list[str]) -> list[str]:
    """In lower case, each once."""
    checked = list(dict.fromkeys(address.strip().lower() for address in addresses))
    wrong = [address for address in checked if not _is_address(address)]
    if wrong:
        raise Invalid(
            f"{', '.join(map(repr, wrong[:5]))}: no e-mail address. Correct it and send again.",
            fields=[{"field": "recipients", "message": f"{address!r} is no e-mail address"} for address in wrong],
        )
    return checked


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _refuse_missing(dataset: Dataset) -> None:
    State = DataFile.State  # noqa: N806  (a class)
    missing = DataFile.objects.filter(dataset=dataset).filter(
        Q(state__in=[State.EXPECTED, State.CORRUPT]) | Q(state=State.RECEIVED, sha256="")
    )
    first = list(missing.order_by("path").values("path", "state")[:_MISSING_SHOWN])
    if first:
        count = missing.count()
        named = ", ".join(f"{file['path']!r}" for file in first[:3])
        raise FilesMissing(
            f"{count} files are missing, damaged or without a stated SHA-256, such as {named}. "
            "Send them, then close again.",
            count=count,
            files=first,
        )
    under_way = Bundle.objects.under_way().filter(dataset=dataset)
    unfinished = [str(pk) for pk in under_way.exclude(state=Bundle.State.RECEIVED).values_list("pk", flat=True)]
    if unfinished:
        raise FilesMissing(
            f"{len(unfinished)} bundles of small files have not arrived whole. Send the rest, then close again.",
            count=len(unfinished),
            files=[],
            bundles=unfinished,
        )
    if not dataset.file_count and not under_way.exists():
        raise FilesMissing("The dataset has no files yet. Send them, then close.", count=0, files=[])
