"""``python -m tests.faults.clockwork SECRET OUTSIDE HOOK_PORT POINTS``: kills workers, and tells what was lost.

POINTS is how many points to take of each task, spread evenly over all it has. With ``CRASH_AT=<task>:<number>`` in the
environment only that point is taken, as a failure names it. Prints JSON: `points` (how many each task has), `tried`,
`failures` (by point), `noticed` (of each planted fault, at which of at most 16 crashes; 0: at none).
"""

import json
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.faults.clockwork.stage import Point, Stage

FAULTS = {  # planted into the workers that have this task: one that is killed, and the next
    "leases_last": "uploads.tasks.sweep_task",
    "text_not_noted": "portal.tasks.send_due_mail_task",
    "nobody_sweeps": "uploads.tasks.verify_task",
}


def main(secret: str, outside: str, hook_port: str, of_each: str) -> None:
    django.setup()
    from tests.faults.clockwork.stage import Stage  # needs Django's models

    stage = Stage(secret, Path(outside), int(hook_port))
    points = stage.rehearse()
    told = {"points": Counter(point.task for point in points), "tried": 0, "noticed": {}}
    failures = {"without a crash": stage.undisturbed()}
    if not failures["without a crash"]:
        chosen = list(chosen_of(points, int(of_each)))
        failures |= {str(point): stage.crash_and_heal(point) for point in chosen}
        told |= {"tried": len(chosen), "noticed": {fault: noticed(stage, points, fault) for fault in FAULTS}}
    told["failures"] = {name: failure for name, failure in failures.items() if failure}
    sys.stdout.write(json.dumps(told) + "\n")


def chosen_of(points: "list[Point]", of_each: int) -> "list[Point]":
    """Evenly of each task."""
    if wish := os.environ.get("CRASH_AT"):
        return [point for point in points if f"{point.task}:{point.number}" == wish]
    of_task: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        of_task[point.task].append(point)
    return [point for mine in of_task.values() for point in evenly(mine, of_each)]


def evenly(points: "list[Point]", count: int) -> "list[Point]":
    return [points[place] for place in sorted({int(len(points) * (number + 0.5) / count) for number in range(count)})]


def noticed(stage: "Stage", points: "list[Point]", fault: str) -> int:
    """At how many crashes it took to notice it; 0: it was not."""
    there = evenly([point for point in points if point.task == FAULTS[fault]], 16)
    return next((number for number, point in enumerate(there, 1) if stage.crash_and_heal(point, fault)), 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
