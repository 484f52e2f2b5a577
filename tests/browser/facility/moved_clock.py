"""The past, as the portal's own services write it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from unittest.mock import patch

from django.utils import timezone

from portal import queue
from uploads.services import bell

Step = Callable[[], object]


@dataclass
class Story:
    """Steps told in any order and done in the order of their moments, since the audit is a chain."""

    now: datetime
    steps: list[tuple[datetime, int, Step]] = field(default_factory=list)

    def at(self, moment: datetime, step: Step) -> None:
        """``step`` happens at ``moment``; what lies in the future never does."""
        if moment <= self.now:
            self.steps.append((moment, len(self.steps), step))

    def happen(self) -> None:
        while self.steps:
            self.steps.sort(reverse=True)
            moment, _, step = self.steps.pop()
            with clock_at(moment):
                step()


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """The portal believes that it is ``moment``. Nobody hears a bell: work of the past is done here, step by step."""
    with (
        patch.object(timezone, "now", lambda: moment),
        patch.object(queue, "_ring", lambda _name, _ids, _delay: None),
        patch.object(bell, "_ring_unless_rung", lambda: None),
    ):
        yield
