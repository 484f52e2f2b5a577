"""Links end by the clock at each request; this only writes down, once, that they have."""

from datetime import datetime

from django.db import transaction

from portal.actors import SYSTEM
from sharing import events
from sharing.models import ShareLink

_AT_ONCE = 200  # in one transaction: others wait for the audit's chain that long at most


def note_expired_links(*, now: datetime, dry_run: bool = False) -> int:
    """Tells the audit of links that ran out; the number told, or that would be. Memory flat."""
    expired = ShareLink.objects.expiry_to_note(now)
    if dry_run:
        return expired.count()
    noted = 0
    while batch := list(expired.order_by("expires_at", "pk").values_list("pk", flat=True)[:_AT_ONCE]):
        noted += _note(batch, now)
    return noted


def _note(ids: list[int], now: datetime) -> int:
    with transaction.atomic():
        locked = ShareLink.objects.select_for_update(of=("self",)).expiry_to_note(now).filter(pk__in=ids)
        links = list(locked.select_related("dataset__project").order_by("pk"))
        ShareLink.objects.filter(pk__in=[link.pk for link in links]).update(expiry_noted_at=now)
        for link in links:
            events.link_expired(link, SYSTEM)
    return len(links)
