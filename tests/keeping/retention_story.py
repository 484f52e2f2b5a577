"""What tests of retention share: a dataset that lives by a class of its project, links to it, and a clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

from keeping.models import Keeping, RetentionClass
from keeping.models.asked import WARNING
from keeping.services.purging import purge_deleted
from keeping.services.retention import keep_by_the_clock
from portal.link_tokens import current_key_id
from portal.mail_claims import Clock
from portal.mail_sending import send_due_mail
from portal.models import Dataset, Notice, Project
from sharing.models import ShareLink

RELEASED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(number: float) -> datetime:
    return RELEASED + timedelta(days=number)


def at(number: float) -> Clock:
    return lambda: day(number)


def released(**fields: Any) -> dict[str, Any]:
    """How a dataset of that day is made by ``make_dataset``."""
    return {"closed_at": RELEASED, "released_at": RELEASED, "safe_to_delete_since": RELEASED, **fields}


def a_class(project: Project, **fields: Any) -> RetentionClass:
    given = {"name": "a month", "days": 30, "is_default": True, "grace_days": 10, **fields}
    return RetentionClass.objects.create(project=project, **given)


def a_link(dataset: Dataset, recipient: str = "rita@university.example", **fields: Any) -> ShareLink:
    given = {"occasion": "release", "key_id": current_key_id(), "created_by_label": "bob", **fields}
    ends = {"starts_at": RELEASED, "expires_at": day(200), **given}
    return ShareLink.objects.create(dataset=dataset, recipient=recipient, **ends)


def everything(number: float) -> None:
    """What the clock does at that day: both steps, and the mails."""
    keep_by_the_clock(clock=at(number))
    send_due_mail(clock=at(number))
    purge_deleted(clock=at(number))


def state_of(dataset: Dataset) -> str:
    return str(Dataset.objects.values_list("state", flat=True).get(pk=dataset.pk))


def keeping_of(dataset: Dataset) -> Keeping:
    return Keeping.objects.get(dataset=dataset)


def warned(dataset: Dataset) -> list[tuple[str, str]]:
    """To whom, and for which slot, in the order of queueing."""
    warnings = Notice.objects.filter(dataset=dataset, kind=WARNING)
    return list(warnings.order_by("id").values_list("to", "slot"))
