"""A year of datasets in three projects, drawn by lot: what they are, and what people do with them."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

YEAR_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

ZONES = {"rome": "Europe/Rome", "york": "America/New_York", "howe": "Australia/Lord_Howe"}


@dataclass(frozen=True)
class Plan:
    """How a class keeps, as a project says it."""

    days: int | None
    counted: str = "release"
    early: bool = False
    warns: bool = True
    grace: int = 10
    more: int = 30
    most: int = 1


USUAL = {
    "rome": Plan(60, grace=14),
    "york": Plan(45, "last_access", most=3, warns=False),
    "howe": Plan(40, "all_complete", early=True, grace=7),
}
OTHERS = {"short": Plan(10, more=7, most=2), "patient": Plan(50, "all_complete"), "for ever": Plan(None)}
CHANGES = [(100, "rome", 25), (130, "york", 100), (170, "rome", 75), (220, "howe", 20), (260, "york", 30)]


@dataclass(frozen=True)
class Share:
    person: str
    ends_at: datetime


@dataclass(frozen=True, order=True)
class Event:
    """`dataset` does not matter for what a project decides; `which`: a link, a class, or days."""

    at: datetime
    dataset: int
    what: str
    which: int | str = ""


@dataclass
class Life:
    number: int
    project: str
    released_at: datetime
    owner: str
    shares: list[Share] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def happens(self, days: float, what: str, which: int | str = "") -> None:
        self.events.append(Event(self.released_at + round(days * 24 * 60) * MINUTE, self.number, what, which))


def draw_lives(dice: random.Random, count: int, days: range) -> list[Life]:
    """`days`: of the year, in which they are released."""
    return [_draw_life(dice, number, YEAR_BEGINS + dice.choice(days) * DAY) for number in range(count)]


def _draw_life(dice: random.Random, number: int, about: datetime) -> Life:
    released_at = about + dice.randrange(24 * 60) * MINUTE
    project = dice.choice(list(ZONES))
    life = Life(number, project, released_at, f"owner-{number}@x.example" if dice.random() < 0.4 else "")
    for k in range(dice.choice([1, 2, 3, 4, 6])):
        again = k > 1 and project != "howe" and dice.random() < 0.3
        person = life.shares[-1].person if again else f"person-{number}-{k}@x.example"
        life.shares.append(Share(person, released_at + dice.uniform(7, 60) * DAY))
        _draw_fate(dice, life, k, agrees=0.8 if project == "howe" else 0.4)
    for _ in range(dice.choice([0, 1, 2, 3])):
        _draw_decision(dice, life)
    life.events.sort()
    return life


def _draw_fate(dice: random.Random, life: Life, link: int, agrees: float) -> None:
    """Of one link. Somebody who says that it is not theirs does nothing else with it."""
    when = dice.uniform(0.1, 40)
    if dice.random() < agrees:
        fate = dice.choice(["checked", "has it"])
    else:
        fate = dice.choice(["nothing", "nothing", "fetched", "partly", "not theirs", "revoked"])
    if fate != "nothing":
        life.happens(when, fate, link)
    if fate == "partly":
        life.happens(when + dice.uniform(1, 30), dice.choice(["partly", "fetched"]), link)
    if fate == "not theirs" and dice.random() < 0.5:
        life.happens(when + dice.uniform(5, 30), "revoked", link)
    if dice.random() < 0.2:
        life.happens(dice.uniform(5, 60), "renewed", link)


def _draw_decision(dice: random.Random, life: Life) -> None:
    when, link = dice.uniform(1, 110), dice.randrange(len(life.shares))
    what = dice.choice(["held", "extended", "downloaded", "class", "asked", "asked", "restored"])
    if what == "held":
        life.happens(when, "held")
        life.happens(when + dice.uniform(2, 60), "released from hold")
    elif what == "class":
        life.happens(when, "class", dice.choice(list(OTHERS)))
        life.happens(when + dice.uniform(5, 60), "class", dice.choice(["usual", *OTHERS]))
    elif what == "asked":
        untouched = [k for k in range(len(life.shares)) if k not in {event.which for event in life.events}]
        who = "owner" if life.owner and (not untouched or dice.random() < 0.5) else "person"
        says, link = f"{who} {dice.choice(['keeps', 'agrees'])}", dice.choice(untouched or [link])
        for days in range(8, 90, 8):  # before they were asked it is refused
            life.happens(days + dice.uniform(-4, 4), says, link)
    elif what == "restored":
        for days in range(20, 110, 9):
            life.happens(days + dice.uniform(-2, 2), "restored")
        life.happens(when, "deleted")
    else:
        life.happens(when, what)


def draw_ticks(dice: random.Random, days: range, silence: range) -> list[datetime]:
    """When the schedulers look, a bit more than a day apart; they do not on the days of silence."""
    ticks, at = [], YEAR_BEGINS + days[0] * DAY
    while at < YEAR_BEGINS + days[-1] * DAY:
        at += timedelta(minutes=dice.randrange(24 * 60 + 5, 56 * 60))
        if (at - YEAR_BEGINS).days not in silence:
            ticks.append(at)
    return ticks


def all_events(lives: list[Life]) -> list[Event]:
    """In the order in which they happen, releases and what projects decide among them."""
    events = [event for life in lives for event in life.events]
    events += [Event(life.released_at, life.number, "released") for life in lives]
    of_projects = [Event(YEAR_BEGINS + on * DAY, -1, name, days) for on, name, days in CHANGES]
    return sorted(events + of_projects, key=lambda event: (event.at, event.dataset, event.what, str(event.which)))
