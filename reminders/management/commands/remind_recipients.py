"""Queues reminders for recipients who have taken nothing, for the current slot of their link, and the copies."""

from portal.mail_claims import Clock
from portal.management.by_the_clock import ClockCommand
from reminders.services.remind import recipients_to_remind, remind_recipients

LISTED = 50


class Command(ClockCommand):
    help = __doc__

    def work(self, clock: Clock, *, dry_run: bool) -> None:
        now = clock()
        if not dry_run:
            self.say(f"Reminders queued: {remind_recipients(now=now)}")
            return
        waiting = recipients_to_remind(now=now)
        self.say(f"Reminders that would be queued: {(count := waiting.count())}")
        for link in waiting.order_by("pk")[:LISTED]:
            self.say(f"  {link}")
        if count > LISTED:
            self.say(f"  and {count - LISTED} more")
