"""What servers that were killed had sent is counted, also when nobody comes back for the rest."""

from datetime import datetime

from django.db import transaction

from sharing.models import RunningRequest, ShareLink
from sharing.services.recording import lock_link, settle_killed
from sharing.services.unended import dead_processes, forget_processes


def settle_dead_processes(*, now: datetime) -> int:
    """The number of processes of this machine that had died since it was asked last."""
    dead = dead_processes()
    left = RunningRequest.objects.filter(process__in=dead, place__isnull=False)
    for link in ShareLink.objects.filter(receipts__running__in=left).distinct():
        with transaction.atomic():
            locked = lock_link(link)
            for receipt in locked.receipts.filter(running__in=left).distinct():
                settle_killed(locked, receipt, now)
    forget_processes(dead)
    return len(dead)
