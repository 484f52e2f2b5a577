"""Forks of one process: a worker that is killed at a point of a task, and the one that is started afterwards.

The broker has forgotten everything then: what the dead worker was called for, and whom it would have called. The new
worker has the scheduler's ticks, and two minutes of the clock.
"""

import json
import shutil
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from portal import mail_sending, queue
from portal.celery import app
from portal.models.work import WorkQuerySet
from tests.faults.clockwork.kept_database import keep_database, restore_database
from tests.faults.clockwork.mailbox import MAILBOX
from tests.faults.clockwork.outside import CALLS, MAILS
from tests.faults.clockwork.world import facts, make_world
from tests.faults.crashes.boundaries import Boundaries
from tests.faults.crashes.stage import in_a_fork

WITHIN = 120  # seconds
MAIL = "portal.tasks.send_due_mail_task"
OUTSIDE = (MAILS, CALLS, MAILBOX)
Bell = tuple[str, tuple[int | str, ...]]


@dataclass(frozen=True)
class Point:
    """Number `number` of those of a task, at one moment of the story."""

    moment: int
    task: str
    ids: tuple[int | str, ...]
    number: int
    name: str

    def __str__(self) -> str:
        return f"{self.task}:{self.number} ({self.name})"


class Stage:
    """A fault may be planted in the workers: `leases_last`, `text_not_noted` or `nobody_sweeps`."""

    def __init__(self, secret: str, outside: Path, hook_port: int) -> None:
        self._var, self._outside, self._fault = Path(settings.VAR), outside, ""
        self._rung: deque[Bell] = deque()
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        queue._ring = lambda task_name, ids, delay: self._rung.append((task_name, ids))
        app.loader.import_default_modules()
        Client().get("/healthz")
        self._calls = make_world(secret, self._var / "mount", hook_port, outside)
        self._rung.clear()
        connections.close_all()
        self._keep("pristine")

    def rehearse(self) -> list[Point]:
        """All points: of the tasks that were called for, then of those that only the clock calls, mail last."""
        scheduled: list[Bell] = [(task, ()) for task in sorted(seconds_between(), key=MAIL.__eq__)]
        points = self._tell(deque(self._calls), 0, with_bells=True)
        return points + self._tell(deque(scheduled), len(points), with_bells=False)

    def undisturbed(self) -> str:
        """What is true in the end when nobody is killed, for later; what went wrong on the way, or nothing."""
        self._restore("pristine")
        return in_a_fork(lambda: self._heal(self._var.with_name("truth")), self._var / "failure")

    def crash_and_heal(self, point: Point, fault: str = "") -> str:
        """What is wrong after a crash there, or nothing."""
        self._fault = fault
        self._restore(str(point.moment))
        if failure := self._work(point.task, point.ids, point.number):
            return f"before the crash: {failure}"
        found = self._var.with_name("found")
        if failure := in_a_fork(lambda: self._heal(found, point.task), self._var / "failure"):
            return failure
        return _difference(self._var.with_name("truth"), found)

    def _tell(self, calls: deque[Bell], moment: int, *, with_bells: bool) -> list[Point]:
        points: list[Point] = []
        self._restore("pristine")
        while calls:
            task, ids = calls.popleft()
            moment += 1
            self._keep(str(moment))
            failure = self._work(task, ids, 0)
            assert not failure, failure
            passed, rung = json.loads((self._var / "passed").read_text())
            points += [Point(moment, task, ids, number, name) for number, name in enumerate(passed, 1)]
            calls += [(name, tuple(given)) for name, given in rung if with_bells and (name, tuple(given)) not in calls]
        return points

    def _work(self, task: str, ids: tuple[int | str, ...], at: int) -> str:
        return in_a_fork(lambda: self._work_until(task, ids, at), self._var / "failure")

    def _work_until(self, task: str, ids: tuple[int | str, ...], at: int) -> None:
        boundaries = Boundaries(at, None)
        boundaries.install()
        self._plant()

        def ring(task_name: str, ids: tuple[int | str, ...], delay: int) -> None:
            boundaries.ringing()
            self._rung.append((task_name, ids))

        queue._ring = ring
        app.tasks[task].apply(args=list(ids), throw=True)
        (self._var / "passed").write_text(json.dumps([boundaries.passed, list(self._rung)]))

    def _heal(self, found: Path, killed: str = "") -> None:
        """Two minutes of the clock after a tick just before the crash. What ticks more seldom does so at their end, and
        if it was killed once more, at its next tick."""
        self._plant()
        real, every = timezone.now, seconds_between()
        for passed in range(WITHIN):
            ticking = [task for task, seconds in every.items() if (passed + 1) % seconds == 0]
            if passed == WITHIN - 1:
                ticking = [task for task, seconds in every.items() if seconds > WITHIN] + ticking
            timezone.now = lambda passed=passed: real() + timedelta(seconds=passed)  # type: ignore[misc]
            if self._fault != "nobody_sweeps":
                self._answer(ticking)
        if every.get(killed, 0) > WITHIN:
            timezone.now = lambda: real() + timedelta(seconds=every[killed])
            self._answer([killed])
        found.write_text(json.dumps(facts(self._outside)))

    def _answer(self, ticking: list[str]) -> None:
        calls: deque[Bell] = deque((task, ()) for task in ticking)
        while calls:
            task, ids = calls.popleft()
            app.tasks[task].apply(args=list(ids), throw=True)
            calls += [bell for bell in self._rung if bell not in calls]
            self._rung.clear()

    def _plant(self) -> None:
        if self._fault == "leases_last":
            due: Any = WorkQuerySet.due
            WorkQuerySet.due = lambda self, now: due(self, now).filter(leased_until=None)  # type: ignore[method-assign]
        if self._fault == "text_not_noted":
            mail_sending.begin_body = lambda notice, clock: None  # type: ignore[attr-defined]

    def _keep(self, name: str) -> None:
        keep_database(name)
        shutil.copytree(self._var, self._var.with_name(f"at-{name}"))
        for file in OUTSIDE:
            if (self._outside / file).exists():
                shutil.copy(self._outside / file, self._var.with_name(f"at-{name}") / f"outside-{file}")

    def _restore(self, name: str) -> None:
        restore_database(name)
        kept = self._var.with_name(f"at-{name}")
        shutil.rmtree(self._var)
        shutil.copytree(kept, self._var)
        for file in OUTSIDE:
            (self._outside / file).unlink(missing_ok=True)
            if (kept / f"outside-{file}").exists():
                shutil.copy(kept / f"outside-{file}", self._outside / file)


def seconds_between() -> dict[str, int]:
    """Two ticks of each scheduled task."""
    entries: Any = settings.CELERY_BEAT_SCHEDULE.values()
    return {entry["task"]: int(entry["schedule"].total_seconds()) for entry in entries}


def _difference(truth: Path, found: Path) -> str:
    wanted, seen = json.loads(truth.read_text()), json.loads(found.read_text())
    return "; ".join(
        f"{what}: {_only(seen[what], wanted[what])} instead of {_only(wanted[what], seen[what])}"
        for what in wanted
        if wanted[what] != seen[what]
    )[:1500]


def _only(these: object, those: object) -> object:
    if isinstance(these, list) and isinstance(those, list):
        return [each for each in these if each not in those]
    return these
