"""What is so for one dataset: its class and owner, more time, a hold."""

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keeping import events
from keeping.due import deletion_at
from keeping.models import Keeping, RetentionClass
from keeping.models.classes import LONGEST
from keeping.services.facts import Situation, situation_of
from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.models import Dataset
from portal.queue import enqueue
from portal.templatetags.times import day_text

NEWS = {"warned_at": None, "unheard_since": None, "not_before": None}  # to be looked at; its notice begins anew


def keeping_of(dataset: Dataset) -> Keeping:
    """Its row; one that is not saved yet when nothing was ever said. Cost: one query."""
    return Keeping.objects.select_related("dataset__project").filter(dataset=dataset).first() or Keeping(
        dataset=dataset
    )


def assign_keeping(*, dataset: Dataset, retention: RetentionClass | None, owner: str, actor: Actor) -> Keeping:
    """None: the project's default. The owner is warned of the deletion and may ask for more time."""
    if retention is not None and retention.project_id != dataset.project_id:
        raise Invalid("This class belongs to another project. Choose one of this dataset's project.")
    with transaction.atomic():
        keeping = _locked(dataset)
        if (keeping.retention_class_id, keeping.owner_email) == (retention.pk if retention else None, owner):
            return keeping
        keeping.retention_class, keeping.owner_email, keeping.not_before = retention, owner, None
        keeping.save(update_fields=["retention_class", "owner_email", "not_before"])
        name = retention.name if retention else "the project's default"
        events.keeping_changed(keeping, actor, retention=name, owner=owner)
        enqueue("keeping.tasks.retention_task")
    return keeping


def hold(*, dataset: Dataset, reason: str, actor: Actor, now: datetime) -> Keeping:
    """Nothing of it is deleted until the hold is released; a dataset in its grace period keeps its bytes.

    Raises Conflict when it is held already, or its bytes are being removed.
    """
    with transaction.atomic():
        keeping = _locked(dataset)
        free = Keeping.objects.filter(pk=keeping.pk, held_at__isnull=True, purge_began_at__isnull=True)
        if not free.update(held_at=now, held_by=actor.label, hold_reason=reason, **NEWS):
            raise Conflict(
                f"{keeping.held_by} holds it already: {keeping.hold_reason}"
                if keeping.is_held
                else "Its files are being removed. Ask the facility's staff for a copy elsewhere."
            )
        keeping.refresh_from_db()
        events.dataset_held(keeping, actor)
    return keeping


def release_hold(*, dataset: Dataset, actor: Actor) -> Keeping:
    """The clock goes on, with the whole notice of its warnings. Raises Conflict when nobody holds it."""
    with transaction.atomic():
        keeping = _locked(dataset)
        if not keeping.is_held:
            raise Conflict("Nobody holds it. There is nothing to release.")
        was = f"{keeping.held_by}: {keeping.hold_reason}"
        keeping.held_at, keeping.held_by, keeping.hold_reason, keeping.not_before = None, "", "", None
        keeping.save(update_fields=["held_at", "held_by", "hold_reason", "not_before"])
        events.hold_released(keeping, actor, was=was)
        enqueue("keeping.tasks.retention_task")
    return keeping


def extend(
    *, dataset: Dataset, actor: Actor, now: datetime, manages: bool, until: datetime | None = None, offered: str = ""
) -> Keeping:
    """Later by what its class says, counted from the day of its deletion. Managers may do so as often as they like, or
    say `until` when. `offered`: the day (in UTC, ISO 8601) that their page offered; nothing is done when it is kept
    until then already, so that a button that is clicked twice counts once.

    Raises Conflict when that was done as often as the class allows, or there is nothing to put off; Invalid for an
    `until` that is no later than the deletion, or too late.
    """
    with transaction.atomic():
        keeping = _locked(dataset)
        if offered and keeping.extended_until and offered == day_offered(keeping.extended_until):
            return keeping
        situation = situation_of(keeping)
        by_its_class, refused = extension_of(keeping, now=now, manages=manages, situation=situation)
        if refused or by_its_class is None:
            raise Conflict(refused)
        _require_later(until, deletion_at(situation.facts, situation.policy, now), now)
        until = until or by_its_class
        keeping.extended_until = keeping.deletion_at = until
        keeping.extensions += not manages
        kept = {"extended_until": until, "deletion_at": until, "extensions": keeping.extensions}
        Keeping.objects.filter(pk=keeping.pk).update(**kept, **NEWS)
        events.keeping_extended(keeping, actor)
        enqueue("keeping.tasks.retention_task")
    return keeping


def day_offered(until: datetime) -> str:
    return until.astimezone(UTC).date().isoformat()


def extension_of(
    keeping: Keeping, *, now: datetime, manages: bool, situation: Situation | None = None
) -> tuple[datetime | None, str]:
    """Until when it could be kept by one more extension; or why not."""
    situation = situation or situation_of(keeping)
    at = deletion_at(situation.facts, situation.policy, now)
    if keeping.deleted_at is not None:
        return None, "It was deleted already. A manager of its project can restore it for a while."
    if at is None or situation.retention is None:
        return None, "It is not deleted by the clock at the moment, so there is nothing to put off."
    if not manages and keeping.extensions >= situation.retention.most_extensions:
        return None, "It cannot be kept longer in this way. Ask a manager of the project."
    return at + situation.retention.extension, ""


def _require_later(until: datetime | None, at: datetime | None, now: datetime) -> None:
    said = ""
    if until and until > now + timedelta(days=LONGEST):
        said = "That is too far away. Choose a day of the next hundred years, or a class that keeps for ever."
    elif until and at and timezone.localtime(until).date() <= timezone.localtime(at).date():
        said = f"It is kept until {day_text(at)} in any case. Choose a later day."
    if said:
        raise Invalid(said, fields=[{"field": "until", "message": said}])


def _locked(dataset: Dataset) -> Keeping:
    """The row of `dataset`, made if there is none, locked until the transaction ends."""
    Keeping.objects.get_or_create(dataset=dataset)
    return Keeping.objects.select_for_update(of=("self",)).select_related("dataset__project").get(dataset=dataset)
