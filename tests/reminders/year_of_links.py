"""A year of links in three projects, drawn by lot; and a plain model of who is reminded when.

The model knows nothing of the portal's code: it walks from day to day and minute to minute, and remembers every mail.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

Sent = tuple[int, datetime]  # number of the link, when its reminder went out


@dataclass(frozen=True)
class Wish:
    """What a project wants, as it says it; `every` counts unless `before` names days."""

    zone: str
    every: int = 7
    before: tuple[int, ...] = ()
    most: int = 1000
    quiet: tuple[time, time] | None = None
    working_days: bool = False
    partial_is_used: bool = True


WISHES = {
    "rome": Wish("Europe/Rome", every=7, quiet=(time(20), time(7)), working_days=True),
    "york": Wish("America/New_York", before=(14, 7, 1), most=2, quiet=(time(12), time(13, 30)), partial_is_used=False),
    "howe": Wish("Australia/Lord_Howe", every=3, most=5),
}


@dataclass
class Life:
    """What happens with one link: each change with its moment, in order."""

    number: int
    project: str
    starts_at: datetime
    ends_at: datetime
    changes: list[tuple[datetime, str]] = field(default_factory=list)

    def as_of(self, now: datetime) -> tuple[datetime, set[str]]:
        """Its end, and what has happened to it. A mail that arrives makes good for one that came back before."""
        happened = [what for at, what in self.changes if at <= now]
        longer = sum(11 for what in happened if what == "extended")
        if "arrived" in happened:
            last = len(happened) - happened[::-1].index("arrived")
            happened = [what for what in happened[:last] if what != "bounced"] + happened[last:]
        return self.ends_at + timedelta(days=longer, hours=5 * bool(longer)), set(happened)


def draw_lives(dice: random.Random, count: int, days: range) -> list[Life]:
    """`days`: of the year, in which links may begin."""
    lives = []
    for number in range(count):
        start = YEAR_BEGINS + dice.choice(days) * DAY + dice.randrange(24 * 60) * MINUTE
        end = start + timedelta(days=dice.randint(4, 50), minutes=dice.randrange(3000))
        life = Life(number, dice.choice(list(WISHES)), start, end)
        for _ in range(dice.choice([0, 0, 1, 2, 3])):
            what = dice.choice(["partial", "complete", "revoked", "extended", "answered", "bounced", "arrived"])
            life.changes.append((start + dice.randrange(30 * 24 * 60) * MINUTE, what))
        life.changes.sort()
        lives.append(life)
    return lives


def draw_ticks(dice: random.Random, days: range, hours: tuple[int, ...], silence: range) -> list[datetime]:
    """When schedulers looked: one for each of `hours`, about so far apart; none did on the days of silence."""
    ticks = []
    for apart in hours:
        at = YEAR_BEGINS + days[0] * DAY
        while at < YEAR_BEGINS + days[-1] * DAY:
            at += timedelta(hours=apart, minutes=dice.randrange(-90, 90))
            if (at - YEAR_BEGINS).days not in silence:
                ticks.append(at)
    return sorted(ticks)


def model(lives: list[Life], ticks: list[datetime]) -> set[Sent]:
    return {(life.number, at) for life in lives for at in _reminders_of(life, WISHES[life.project], ticks)}


def _reminders_of(life: Life, wish: Wish, ticks: list[datetime]) -> list[datetime]:
    sent: dict[int, datetime] = {}
    for now in ticks:
        if now < life.starts_at or now > life.starts_at + 90 * DAY:
            continue
        end, happened = life.as_of(now)
        used = "complete" in happened or ("partial" in happened and wish.partial_is_used)
        if now >= end or used or happened & {"revoked", "answered", "bounced"} or len(sent) >= wish.most:
            continue
        come = [(mark, day, ready) for day, mark, ready in _marks(life.starts_at, end, wish) if mark <= now]
        if not come or not _may_speak(now, wish):
            continue
        _, day, ready = max(come)
        if ready <= now and day not in sent:
            sent[day] = now
    return list(sent.values())


@cache
def _marks(start: datetime, end: datetime, wish: Wish) -> list[tuple[int, datetime, datetime]]:
    """The day that names it, when it comes, and when quiet hours and weekends let it pass."""
    if wish.before:
        whole = (end - start).days
        marks = [(whole - days, _same_hour(end, -days, wish.zone)) for days in wish.before if whole > days]
    else:
        longest = (end - start).days + 2
        marks = [(days, _same_hour(start, days, wish.zone)) for days in range(wish.every, longest, wish.every)]
    return [(day, mark, _put_off(mark, wish)) for day, mark in marks]


def _same_hour(at: datetime, days: int, zone: str) -> datetime:
    return _first_moment_showing(_shown(at, zone) + timedelta(days=days), zone)


def _shown(at: datetime, zone: str) -> datetime:
    return datetime.fromisoformat(at.astimezone(ZoneInfo(zone)).isoformat()[:16])


def _first_moment_showing(shown: datetime, zone: str) -> datetime:
    """Looked for half an hour by half an hour. What clocks skip means the hour before they were changed."""
    around = shown.replace(tzinfo=UTC)
    for halves in range(-30, 31):
        at = around + timedelta(minutes=30 * halves)
        if _shown(at, zone) == shown:
            return at
    before = around - DAY
    return around - (_shown(before, zone).replace(tzinfo=UTC) - before)


def _may_speak(now: datetime, wish: Wish) -> bool:
    shown = _shown(now, wish.zone)
    return not _in_quiet(shown, wish) and not (wish.working_days and shown.isoweekday() > 5)


def _in_quiet(shown: datetime, wish: Wish) -> bool:
    if wish.quiet is None:
        return False
    begin, end = wish.quiet
    minutes = (shown.hour - begin.hour) * 60 + shown.minute - begin.minute
    length = (end.hour - begin.hour) * 60 + end.minute - begin.minute
    return minutes % 1440 < length % 1440


def _put_off(mark: datetime, wish: Wish) -> datetime:
    shown = _shown(mark, wish.zone)
    moved = shown
    while _in_quiet(moved, wish):
        moved += MINUTE
    while wish.working_days and moved.isoweekday() > 5:
        moved += DAY
    return mark if moved == shown else _first_moment_showing(moved, wish.zone)
