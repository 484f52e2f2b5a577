"""Tells the audit of share links whose time is over. They end by themselves at their minute; this writes it down."""

from portal.mail_claims import Clock
from portal.management.by_the_clock import ClockCommand
from sharing.services.expiry import note_expired_links


class Command(ClockCommand):
    help = __doc__

    def work(self, clock: Clock, *, dry_run: bool) -> None:
        count = note_expired_links(now=clock(), dry_run=dry_run)
        self.say(f"Links {'that would be ' if dry_run else ''}noted as expired: {count}")
