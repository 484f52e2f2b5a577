"""A recipient comes too late and asks for more time; the people who can give it are told once."""

from datetime import datetime

from django.db import transaction

from portal.actors import Actor
from portal.outbox import new_notice, queue_notices
from sharing import events
from sharing.models import ShareLink
from sharing.services.recording import operators_of


def ask_for_more_time(*, link: ShareLink, actor: Actor, now: datetime) -> bool:
    """Whether `link` is one that ran out while the data are still there. One mail for each end of it."""
    if not link.has_run_out(now) or not link.dataset.may_be_shared:
        return False
    with transaction.atomic():
        unasked = ShareLink.objects.filter(pk=link.pk, more_time_asked_at__isnull=True, expires_at=link.expires_at)
        if unasked.update(more_time_asked_at=now):
            slot = f"{link.expires_at:%Y-%m-%dT%H:%M:%S}"
            queue_notices(
                new_notice("more-time-asked", address, subject_id=link.pk, slot=slot, dataset=link.dataset)
                for address in _those_who_can_give_it(link)
            )
            events.more_time_asked(link, actor)
    return True


def _those_who_can_give_it(link: ShareLink) -> list[str]:
    """Who shared it, if that person is still there; else whoever is told of downloads."""
    person = link.created_by
    return [person.email] if person is not None and person.is_active else operators_of(link.dataset)
