"""P8 in seconds. What a machine took is told beside what was promised; what the portal's own leases and ticks add is
no matter of the machine, and a test fails over it."""

from datetime import timedelta
from typing import Any

from django.conf import settings

PROMISED = {"web": 10, "uploads": 30, "work": 120}


def beside_promise(**took: float) -> str:
    """`web`, `uploads` or `work`: seconds after the return of what was away."""
    return ", ".join(f"{what} {seconds:.1f} s (promised: {PROMISED[what]} s)" for what, seconds in took.items())


def by_the_clock(task: str, lease: timedelta) -> float:
    """Seconds until what a dead worker held is taken up by its sweep `task`, at worst. Fails if that is too long."""
    every: Any = [entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == task]
    seconds: float = (lease + min(every)).total_seconds()
    assert seconds <= PROMISED["work"], f"{task} takes up after {seconds:.0f} s what a dead worker held"
    return seconds
