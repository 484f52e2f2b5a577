"""Telling staff and operators that stored bytes are damaged."""

from collections.abc import Sequence
from datetime import datetime

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
