"""Reads stored files again and compares them with what was verified; goes on where it stopped the last time.

Ends with status 1 when it found damage.
"""

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dataplane.errors import DataplaneError
from keeping.services.rereading import Budget, Outcome, bytes_to_read, look_at_damaged, reread
from portal.errors import Conflict
from portal.templatetags.quantities import counted, size_text

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--percent", type=float, help="Stop after this part of all stored bytes. Default: the rest."
        )
        parser.add_argument("--time", type=_seconds, help="Stop after so long, such as 90s, 30m, 2h.")
        parser.add_argument("--damaged", action="store_true", help="Only look at what was damaged: is it put back?")

    def handle(self, *, percent: float | None, time: float | None, damaged: bool, **options: Any) -> None:
        if damaged:
            found = look_at_damaged(clock=timezone.now)
            self.stdout.write(f"{found.repaired} of {counted(found.files, 'file,files')} read as verified again.")
            return
        budget = Budget(
            float("inf") if percent is None else bytes_to_read() * percent / 100,
            float("inf") if time is None else time,
        )
        self._bad = 0
        try:
            this = reread(budget, clock=timezone.now, tell=self._tell)
        except (Conflict, DataplaneError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{'The round is over' if this.ended_at else 'So far in this round'}: "
            f"{counted(this.files, 'file,files')}, {size_text(this.bytes)} re-read; {this.damaged} damaged, "
            f"{this.repaired} repaired, {this.unreadable} unreadable."
        )
        if self._bad:
            raise CommandError(f"{counted(self._bad, 'file is,files are')} damaged and not offered any more.")

    def _tell(self, outcome: Outcome) -> None:
        self.stdout.write(f"{counted(outcome.files, 'file,files')}, {size_text(outcome.bytes)}")
        for file in outcome.damaged:
            self.stdout.write(f"  damaged: {file.dataset.name}/{file.path}: {file.reason}")
        if outcome.trouble:
            self.stdout.write(f"  not judged: {outcome.unreadable}. {outcome.trouble}")
        self._bad += len(outcome.damaged)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no time; write it as 90s, 30m, 2h or 1d")
    return float(found[1]) * _UNITS[found[2]]
