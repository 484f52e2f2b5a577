"""Hours of the day, in local time: how fast data may be sent when, and when at all.

Only the wall clock's reading is compared with the hours; nothing is counted in seconds. So a day of 23 or 25 hours
needs no thought: at 08:00 by the clock on the wall it is 08:00.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
A_DAY = 24 * 60
RATE = re.compile(r"(\d+(?:\.\d+)?)([BKMGT])", re.IGNORECASE)
HOUR = re.compile(r"(?:([A-Za-z]{3})-)?(\d\d?):(\d\d)")
RATES = "20M (bytes a second; K, M, G as in 1024), off, or hours as in “08:00,5M 19:00,off”"
WINDOWS = "22:00-06:00, or several such as “12:00-13:00 18:00-07:00”"


@dataclass(frozen=True)
class Timetable:
    """`changes`: from which minute of the week (Monday 00:00 is 0) which rate holds, in bytes a second; None: any."""

    changes: tuple[tuple[int, int | None], ...]

    def rate_at(self, moment: datetime) -> int | None:
        """`moment` is local time, without a zone. Before the first change of the week the last one holds."""
        minute = _minute(moment)
        rates = [rate for start, rate in self.changes if start <= minute]
        return rates[-1] if rates else self.changes[-1][1]


@dataclass(frozen=True)
class Schedule:
    """`windows`: from one minute of the day to another; past midnight when the second is not later."""

    windows: tuple[tuple[int, int], ...]
    text: str

    def is_open(self, moment: datetime) -> bool:
        """`moment` is local time, without a zone."""
        minute = _minute(moment) % A_DAY
        return any(
            start <= minute < end if start < end else minute >= start or minute < end for start, end in self.windows
        )


def parse_timetable(text: str) -> Timetable:
    """Errors: ValueError with a sentence."""
    words = text.split()
    if len(words) == 1 and "," not in words[0]:
        return Timetable(((0, _rate(words[0])),))
    changes = [change for word in words for change in _changes(word)]
    if not changes:
        raise ValueError(f"An empty limit: write {RATES}.")
    if len({minute for minute, _ in changes}) < len(changes):
        raise ValueError(f"“{text}” names one moment twice.")
    return Timetable(tuple(sorted(changes, key=lambda change: change[0])))


def parse_schedule(text: str) -> Schedule:
    """Errors: ValueError with a sentence."""
    windows = []
    for word in text.split():
        start, dash, end = word.partition("-")
        if not dash or start == end:
            raise ValueError(f"“{word}” is no span of hours: write {WINDOWS}.")
        windows.append((_moment(start)[1], _moment(end)[1]))
    if not windows:
        raise ValueError(f"An empty schedule: write {WINDOWS}.")
    return Schedule(tuple(windows), text)


def _changes(word: str) -> list[tuple[int, int | None]]:
    hour, comma, rate = word.partition(",")
    if not comma:
        raise ValueError(f"“{word}” is no limit: write {RATES}.")
    day, minute = _moment(hour)
    days = range(len(DAYS)) if day is None else (day,)
    return [(number * A_DAY + minute, _rate(rate)) for number in days]


def _moment(text: str) -> tuple[int | None, int]:
    match = HOUR.fullmatch(text)
    day = match[1].lower() if match and match[1] else None
    if match is None or int(match[2]) > 23 or int(match[3]) > 59 or (day is not None and day not in DAYS):
        raise ValueError(f"“{text}” is no hour: write it as 08:00, or Mon-08:00 for one day of the week.")
    return (None if day is None else DAYS.index(day)), int(match[2]) * 60 + int(match[3])


def _rate(text: str) -> int | None:
    if text.lower() == "off":
        return None
    match = RATE.fullmatch(text)
    rate = int(float(match[1]) * UNITS[match[2].upper()]) if match else 0
    if rate < 1:
        raise ValueError(f"“{text}” is no limit: write {RATES}.")
    return rate


def _minute(moment: datetime) -> int:
    return moment.weekday() * A_DAY + moment.hour * 60 + moment.minute
