"""Who is due a reminder, and for which slot. Plain facts in, a slot or nothing out: no database, no clock.

A slot is a moment at which a policy wants a reminder: each n-th day of a link's life, or some days before its end,
always at the hour at which the link began or ends on the clocks of the project's zone, whatever is done to those clocks
in between. Quiet hours and weekends put a reminder off. The next slot passes over the one before, so after an outage
there is one reminder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

DAY = 86_400  # seconds
SATURDAY = 5


class Used(Enum):
    """How far a recipient came, with whichever of their links to the data."""

    NOT = "not"
    PARTLY = "partly"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Policy:
    """`days_before` fall, and count instead of `every_days` when there are any; `quiet` may go over midnight."""

    zone: ZoneInfo
    reminds: bool = True
    every_days: int = 7
    days_before: tuple[int, ...] = ()
    most: int | None = None
    quiet: tuple[time, time] | None = None
    working_days_only: bool = False
    partial_is_used: bool = True


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """`answered`: the recipient said that they have the data, or that these are not theirs. `undelivered`: the newest
    mail with the link was refused or came back. `reminded`: how often up to now; `last_day`: in which slot the last
    time."""

    starts_at: datetime
    ends_at: datetime
    revoked: bool = False
    answered: bool = False
    undelivered: bool = False
    used: Used = Used.NOT
    reminded: int = 0
    last_day: int | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """`day` of the link's life names it; `at` is when its reminder may go out at the earliest."""

    day: int
    at: datetime


def due(now: datetime, policy: Policy, link: LinkFacts) -> Slot | None:
    """The slot in which `link` wants a reminder at `now`, an aware time; None for as long as it wants none."""
    if not wants(now, policy, link):
        return None
    slot = _slot_at(now, policy, link)
    if slot is None or slot.day == link.last_day or slot.at > now or not _is_allowed(now, policy):
        return None
    return slot


def wants(now: datetime, policy: Policy, link: LinkFacts) -> bool:
    """Whether `link` may be spoken of at all at `now`, whatever the hour."""
    used = link.used is Used.WHOLE or (link.used is Used.PARTLY and policy.partial_is_used)
    ended = link.revoked or not link.starts_at <= now < link.ends_at
    enough = policy.most is not None and link.reminded >= policy.most
    return policy.reminds and not (used or ended or link.answered or link.undelivered or enough)


def allowed_from(at: datetime, policy: Policy) -> datetime:
    """The first moment from `at` on that is neither in quiet hours nor, where that matters, on a weekend."""
    return at if _is_allowed(at, policy) else _put_off(at, policy)


def all_slots(policy: Policy, link: LinkFacts) -> list[Slot]:
    """Every slot of a link with which nothing will ever be taken, in order, if the sweep never fails."""
    nominal = list(_nominal(policy, link))
    slots = [Slot(day, _put_off(at, policy)) for day, at in nominal]
    passed_over_at = [*(at for _, at in nominal), link.ends_at][1:]
    kept = [slot for slot, over in zip(slots, passed_over_at, strict=True) if slot.at < over]
    return kept[: policy.most] if policy.reminds else []


def _nominal(policy: Policy, link: LinkFacts) -> Iterator[tuple[int, datetime]]:
    """Days and moments before hours and weekends are looked at, in order."""
    if policy.days_before:
        for before in policy.days_before:
            if (day := _life_days(link) - before) >= 1:
                yield day, _days_from(link.ends_at, -before, policy.zone)
        return
    day = policy.every_days
    while (at := _days_from(link.starts_at, day, policy.zone)) < link.ends_at:
        yield day, at
        day += policy.every_days


def _slot_at(now: datetime, policy: Policy, link: LinkFacts) -> Slot | None:
    """The newest slot whose moment has come."""
    if policy.days_before:
        come = [(day, at) for day, at in _nominal(policy, link) if at <= now]
        return Slot(come[-1][0], _put_off(come[-1][1], policy)) if come else None
    every = policy.every_days
    day = _wall_time(now, policy.zone) - _wall_time(link.starts_at, policy.zone)
    number = day // timedelta(days=every) + 1  # right up to the hour in which clocks are changed
    while number >= 1 and _days_from(link.starts_at, number * every, policy.zone) > now:
        number -= 1
    if number < 1:
        return None
    return Slot(number * every, _put_off(_days_from(link.starts_at, number * every, policy.zone), policy))


def _life_days(link: LinkFacts) -> int:
    """Whole days from start to end, as the database counts them too: parts of a second are cut off first."""
    return (int(link.ends_at.timestamp()) - int(link.starts_at.timestamp())) // DAY


def _wall_time(at: datetime, zone: ZoneInfo) -> datetime:
    """What clocks show there."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _days_from(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """When clocks show the same hour so many days later."""
    return _moment(_wall_time(at, zone) + timedelta(days=days), zone)


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first of two when the clocks show it twice; an hour later by them when they skip it."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _put_off(at: datetime, policy: Policy) -> datetime:
    """To the end of the quiet hours, then to Monday."""
    if policy.quiet is None and not policy.working_days_only:
        return at
    wall = _wall_time(at, policy.zone)
    if policy.quiet is not None and _is_quiet(wall.time(), policy.quiet):
        quiet_from, quiet_until = policy.quiet
        tomorrow = quiet_until < quiet_from <= wall.time()
        wall = datetime.combine(wall.date() + timedelta(days=tomorrow), quiet_until)
    if policy.working_days_only and wall.weekday() >= SATURDAY:
        wall += timedelta(days=7 - wall.weekday())
    return max(at, _moment(wall, policy.zone))


def _is_allowed(now: datetime, policy: Policy) -> bool:
    wall = _wall_time(now, policy.zone)
    quiet = policy.quiet is not None and _is_quiet(wall.time(), policy.quiet)
    return not quiet and not (policy.working_days_only and wall.weekday() >= SATURDAY)


def _is_quiet(at: time, quiet: tuple[time, time]) -> bool:
    quiet_from, quiet_until = quiet
    if quiet_from < quiet_until:
        return quiet_from <= at < quiet_until
    return at >= quiet_from or at < quiet_until
