"""Whether the worker and the scheduler live, as far as their heartbeats tell. Without them pages and uploads go on,
but nothing is verified, mailed or reminded of; so they are named, and staff are told what to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Max

from portal.addresses import address_if_any
from portal.figures import Figure
from portal.models import Heartbeat, User
from portal.needs import Need
from portal.templatetags.times import relative_text

LATE_AFTER = timedelta(minutes=3)  # three heartbeats

STANDS_STILL = {
    "worker": "nothing is verified, copied or mailed",
    "scheduler": "nothing happens by the clock, and work whose bell was lost waits",
}


@dataclass(frozen=True, slots=True)
class Pulse:
    """Of the one of a kind that was heard last; ``age`` is None when none ever was."""

    kind: str
    state: Literal["ok", "late", "never"]
    age: timedelta | None

    @property
    def seconds(self) -> int | None:
        return None if self.age is None else int(self.age.total_seconds())

    @property
    def words(self) -> str:
        return "never heard" if self.age is None else f"last heard {relative_text(-self.age.total_seconds())}"


def pulses(now: datetime) -> list[Pulse]:
    """Of the worker and the scheduler. Cost: one query."""
    heard = dict(Heartbeat.objects.order_by().values_list("kind").annotate(Max("at")))
    return [_pulse(str(kind), heard.get(kind), now) for kind in Heartbeat.Kind.values]


def _pulse(kind: str, at: datetime | None, now: datetime) -> Pulse:
    if at is None:
        return Pulse(kind, "never", None)
    age = max(now - at, timedelta())  # another machine's clock may be ahead
    return Pulse(kind, "late" if age > LATE_AFTER else "ok", age)


def program_figures(now: datetime) -> list[Figure]:
    """For the facility's day. Cost: one query."""
    words = {"ok": "alive", "late": "silent", "never": "silent"}
    return [
        Figure(pulse.kind.capitalize(), words[pulse.state], pulse.words, tone="" if pulse.state == "ok" else "bad")
        for pulse in pulses(now)
    ]


def silent_programs(person: User, now: datetime) -> list[Need]:
    """For staff alone: which program has to be started again. Cost: one query."""
    if not person.is_staff:
        return []
    return [_need(pulse) for pulse in pulses(now) if pulse.state != "ok"]


def _need(pulse: Pulse) -> Need:
    program = "beat" if pulse.kind == "scheduler" else pulse.kind
    text = f"{pulse.words}; meanwhile {STANDS_STILL[pulse.kind]}. Start the program `{program}` again."
    return Need("silent", f"The {pulse.kind}", address_if_any("staff"), text, "See today")
