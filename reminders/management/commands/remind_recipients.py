"""Queues reminders for recipients who have taken nothing, for the current slot of their link, and the copies."""

from portal.mail_claims import Clock
from portal.management.by_the_clock import ClockCommand
from reminders.services.remind import links_due, remind_recipients
from sharing.models import ShareLink

LISTED = 50


class Command(ClockCommand):
    help = __doc__

    def work(self, clock: Clock, *, dry_run: bool) -> None:
        now = clock()
        if not dry_run:
            self.say(f"Reminders queued: {remind_recipients(now=now)}")
            return
        ids = links_due(now=now)
        self.say(f"Reminders that would be queued: {len(ids)}")
        for link in ShareLink.objects.filter(pk__in=ids[:LISTED]).select_related("dataset").order_by("pk"):
            self.say(f"  {link}")
        if len(ids) > LISTED:
            self.say(f"  and {len(ids) - LISTED} more")
