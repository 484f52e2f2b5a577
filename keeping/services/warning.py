"""Telling people that a dataset will be deleted: managers, its owner, and recipients who have not fetched it."""

from datetime import datetime

from django.db import transaction

from keeping import events
from keeping.models import AskedPerson, Keeping
from keeping.services.facts import Situation
from portal.link_tokens import current_key_id
from portal.models import Membership, Notice
from portal.outbox import new_notice, queue_notices

KIND = "deletion-warning"
Role = AskedPerson.Role


@transaction.atomic
def warn(situation: Situation, *, days: int, now: datetime) -> bool:
    """One mail each. False when it was held, extended or deleted meanwhile. `situation.keeping.deletion_at` is known.

    A second time for the same day reaches only those who were not told before.
    """
    keeping = situation.keeping
    free = Keeping.objects.to_look_at().filter(
        pk=keeping.pk, held_at__isnull=True, extended_until=keeping.extended_until
    )
    if not free.update(warned_at=keeping.warned_at or now, deletion_at=keeping.deletion_at):
        return False
    slot = f"{keeping.deletion_at:%Y-%m-%d}/{days}"
    earlier = Notice.objects.filter(kind=KIND, dataset=keeping.dataset_id, slot=slot)
    told = set(earlier.values_list("to", flat=True))
    new = {email: role for email, role in _people(situation).items() if email not in told}
    if new:
        queue_notices(
            new_notice(KIND, asked.email, subject_id=asked.pk, slot=slot, dataset=keeping.dataset)
            for asked in _asked(keeping, new)
        )
        events.deletion_warned(keeping, days=days, people=len(new))
    return True


def _people(situation: Situation) -> dict[str, Role]:
    """Who decides comes first: nobody gets two mails."""
    keeping, project = situation.keeping, situation.keeping.dataset.project
    managers = Membership.objects.filter(project=project, role=Membership.Role.MANAGER, user__is_active=True)
    emails = list(managers.values_list("user__email", flat=True)) or [project.contact_email]
    people = {email.lower(): Role.MANAGER for email in emails}
    if keeping.owner_email:
        people.setdefault(keeping.owner_email.lower(), Role.OWNER)
    if situation.retention and situation.retention.warns_recipients:
        for email in situation.without:
            people.setdefault(email, Role.RECIPIENT)
    return people


def _asked(keeping: Keeping, people: dict[str, Role]) -> list[AskedPerson]:
    rows = [
        AskedPerson(keeping=keeping, email=email, role=role, key_id=current_key_id()) for email, role in people.items()
    ]
    AskedPerson.objects.bulk_create(
        rows, unique_fields=["keeping", "email"], update_conflicts=True, update_fields=["role"], batch_size=500
    )
    return list(AskedPerson.objects.filter(keeping=keeping, email__in=people))
