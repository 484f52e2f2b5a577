"""Walks the chain of audit events; names each that was changed and each place where some are missing.

Only reads, in constant memory. Exit status 1 when something was found.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from portal.audit import broken_links
from portal.models import AuditHead


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for event, why in broken_links():
            found += 1
            self.stdout.write(f"event {event.pk}, {event}: {why}")
        if found:
            raise CommandError(f"The audit is broken in {found} places.")
        head = AuditHead.objects.first()
        self.stdout.write(f"The audit is whole. Newest hash: {head.hash if head else 'none, it is empty'}")
