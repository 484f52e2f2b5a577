"""What commands that do the scheduler's work by hand have in common: ``--now`` and ``--dry-run``."""

from abc import ABC, abstractmethod
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.mail_claims import Clock


class ClockCommand(BaseCommand, ABC):
    """Safe to run twice and beside the scheduler. The derived say what to do in :meth:`work`."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument(
            "--now", type=moment, help="act as if it were then, such as 2026-11-20T18:20:37+01:00; default: the clock"
        )

    def handle(self, *args: Any, dry_run: bool, now: datetime | None, **options: Any) -> None:
        self.work((lambda: now) if now else timezone.now, dry_run=dry_run)

    @abstractmethod
    def work(self, clock: Clock, *, dry_run: bool) -> None:
        """Does what the scheduler would, or says what that is, with :meth:`say`."""

    def say(self, sentence: str) -> None:
        self.stdout.write(sentence)


def moment(text: str) -> datetime:
    """An ISO date with time; without an offset in the portal's time zone."""
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise ArgumentTypeError(f"{text!r} is no date and time; write it as 2026-11-20T18:20:37+01:00")
    return parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)
