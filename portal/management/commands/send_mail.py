"""Sends the mails that are due, until none is left or the mail server cannot be reached."""

import math
from collections import Counter

from portal.mail_claims import Clock
from portal.mail_sending import send_due_mail
from portal.management.by_the_clock import ClockCommand
from portal.models import Notice

LISTED = 50


class Command(ClockCommand):
    help = __doc__

    def work(self, clock: Clock, *, dry_run: bool) -> None:
        if not dry_run:
            self.say(_summary(send_due_mail(clock=clock, seconds=math.inf)))
        waiting = Notice.objects.to_send().due(clock())
        if count := waiting.count():
            self.say(f"{count} would be sent:" if dry_run else f"{count} still to be sent:")
        elif dry_run:
            self.say("No mail is due.")
        for notice in waiting.order_by("pk")[:LISTED]:
            why = f" ({notice.last_error})" if notice.last_error else ""
            self.say(f"  {notice}{why}")
        if count > LISTED:
            self.say(f"  and {count - LISTED} more")


def _summary(ended: Counter[str]) -> str:
    words = dict(Notice.State.choices) | {Notice.State.DUE.value: "postponed"}
    return ", ".join(f"{number} {words[state]}" for state, number in ended.items()) or "Nothing was sent."
