"""Telling people that a dataset will be deleted: managers, its owner, and recipients who have not fetched it."""

from datetime import date, datetime, timedelta

from django.db import transaction

from keeping import events
from keeping.models import AskedPerson, Keeping
from keeping.models.asked import WARNING
from keeping.services.deciders import Role, deciders_of
from keeping.services.facts import Situation
from portal.link_tokens import current_key_id
from portal.models import Notice
from portal.outbox import new_notice, queue_notices

State = Notice.State
TOLD_AGAIN = timedelta(days=7)  # of a deletion that moves on because nobody hears of it


@transaction.atomic
def warn(situation: Situation, *, days: int, now: datetime) -> bool:
    """One mail each. False when it was held, extended or deleted meanwhile. `situation.keeping.deletion_at` is known.

    A second time for the same day reaches only those who were not told before. A mail that still waits to be sent
    tells of the new day when the deletion has moved, rather than being followed by another one.
    """
    keeping = situation.keeping
    free = Keeping.objects.to_look_at().filter(
        pk=keeping.pk, held_at__isnull=True, extended_until=keeping.extended_until
    )
    if not free.update(warned_at=keeping.warned_at or now, deletion_at=keeping.deletion_at):
        return False
    slot = f"{keeping.deletion_at:%Y-%m-%d}/{days}"
    told = _told(keeping, slot)
    if new := [each for each in _asked(keeping, _people(situation)) if each.email not in told]:
        queue_notices(
            new_notice(WARNING, each.email, subject_id=each.pk, slot=slot, dataset=keeping.dataset) for each in new
        )
        events.deletion_warned(keeping, days=days, people=len(new))
    return True


def _told(keeping: Keeping, slot: str) -> set[str]:
    """Who needs no new mail for `slot`: they have one; or one waits, and is given this slot; or they had one a few days
    ago, while nobody who decides can be told and the day moves on."""
    day, mark = slot.split("/")
    # The kind is not told as a value: SQLite would take its index, which leads to all warnings that ever were.
    mails = Notice.objects.filter(dataset=keeping.dataset_id, kind__endswith=WARNING, slot__endswith=f"/{mark}")
    of_mark = sorted(mails.order_by().values_list("pk", "to", "slot", "state"))
    told = {to for _, to, its_slot, _ in of_mark if its_slot == slot}
    waiting = {to: pk for pk, to, _, state in of_mark if state == State.DUE and to not in told}
    Notice.objects.filter(pk__in=waiting.values(), state=State.DUE).update(slot=slot)
    if keeping.unheard_since:
        lately = f"{date.fromisoformat(day) - TOLD_AGAIN}"
        told |= {to for _, to, its_slot, state in of_mark if its_slot[:10] > lately and state != State.DROPPED}
    return told | waiting.keys()


def _people(situation: Situation) -> dict[str, Role]:
    """Who decides comes first: nobody gets two mails."""
    people = deciders_of(situation.keeping)
    if situation.retention and situation.retention.warns_recipients:
        for email in situation.without:
            people.setdefault(email, Role.RECIPIENT)
    return people


def _asked(keeping: Keeping, people: dict[str, Role]) -> list[AskedPerson]:
    """Their rows, which say of which deletion they are told."""
    rows = [
        AskedPerson(keeping=keeping, email=email, role=role, key_id=current_key_id(), deletion_at=keeping.deletion_at)
        for email, role in people.items()
    ]
    AskedPerson.objects.bulk_create(
        rows,
        unique_fields=["keeping", "email"],
        update_conflicts=True,
        update_fields=["role", "deletion_at"],
        batch_size=500,
    )
    return list(AskedPerson.objects.filter(keeping=keeping, email__in=people))
