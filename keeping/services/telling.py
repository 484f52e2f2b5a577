"""Telling staff and operators that stored bytes are damaged, and those who decide that a dataset was deleted."""

from collections.abc import Sequence
from datetime import datetime

from keeping.models import Keeping
from keeping.services.deciders import deciders_of
from portal.actors import Actor
from portal.models import DataFile, Dataset, User
from portal.outbox import new_notice, queue_notices

_NAMED = 20


def tell_damaged(dataset: Dataset, files: Sequence[DataFile], *, now: datetime) -> None:
    """At most one mail an hour and dataset to each of the staff and the operators: the page has the rest.

    Call it in the transaction that marks the files.
    """
    staff = User.objects.filter(is_staff=True, is_active=True).values_list("email", flat=True)
    addresses = dict.fromkeys([*staff, *(dataset.operator_emails or [dataset.project.contact_email])])
    named = [{"path": file.path, "reason": file.reason} for file in files[:_NAMED]]
    queue_notices(
        new_notice(
            "stored-damaged",
            address,
            subject_id=dataset.pk,
            slot=f"{now:%Y-%m-%dT%H}",
            dataset=dataset,
            context={"files": named, "count": len(files), "store": dataset.store},
        )
        for address in addresses
    )


def tell_deleted(keeping: Keeping, actor: Actor, *, reason: str) -> None:
    """One mail for each deletion to those who decide, except whoever did it by hand. Call it in its transaction."""
    knows = actor.label.lower() if actor.kind == "user" else ""
    until = f"{keeping.purge_after:%Y-%m-%dT%H:%M:%S%z}"
    context = {"by": actor.label, "by_hand": bool(knows), "reason": reason, "until": until}
    queue_notices(
        new_notice(
            "dataset-deleted",
            email,
            subject_id=keeping.pk,
            slot=slot_of_deletion(keeping),
            dataset=keeping.dataset,
            context={**context, "role": role.value},
        )
        for email, role in deciders_of(keeping).items()
        if email != knows
    )


def slot_of_deletion(keeping: Keeping) -> str:
    """Its moment: a dataset may be restored and deleted once more."""
    return f"{keeping.deleted_at:%Y-%m-%dT%H:%M:%S.%f}"
