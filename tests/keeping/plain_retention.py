"""A plain model of how long data are kept: it walks through a year from tick to tick and remembers everything.

It knows nothing of the portal's code. What it says comes as sentences, so that a difference names dataset and day.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.keeping.year_of_data import DAY, OTHERS, USUAL, ZONES, Event, Life, Plan, Share, all_events

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def boss_of(project: str) -> str:
    return f"boss@{project}.example"


def told(life: Life, to: str, at: datetime, day: date, mark: str) -> str:
    return f"dataset {life.number} ({life.project}): {at:%F %R} {to} reads that it goes on {day}, {mark} days before"


def gone(life: Life, at: datetime, what: str) -> str:
    return f"dataset {life.number} ({life.project}): {what} {at:%F %R}"


def done(event: Event, accepted: bool) -> str:
    answer = "done" if accepted else "refused"
    return f"dataset {event.dataset}: {event.what} {event.which} {event.at:%F %R}: {answer}"


@dataclass
class Link:
    share: Share
    ends_at: datetime
    complete_at: datetime | None = None
    agreed_at: datetime | None = None
    astray: bool = False
    revoked_at: datetime | None = None

    @property
    def waits_until(self) -> datetime:
        if self.complete_at and not self.astray:
            return self.complete_at
        return self.revoked_at or self.ends_at


@dataclass
class Kept:
    """One dataset as it stands."""

    life: Life
    links: list[Link]
    used_at: datetime
    plan_name: str = "usual"
    held: bool = False
    extended: datetime | None = None
    times: int = 0
    warned: datetime | None = None
    heard: datetime | None = None
    deleted: datetime | None = None
    bytes_until: datetime | None = None
    purged: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    may_go: dict[str, datetime] = field(default_factory=dict)
    mails: dict[tuple[str, date, int], str] = field(default_factory=dict)  # to, day, mark: waiting, sent, dropped

    def begin_anew(self) -> None:
        self.warned = self.heard = None


class Model:
    """`deaf`: ticks at which the mail server is away."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives = lives
        self.usual = dict(USUAL)
        self.kept: dict[int, Kept] = {}
        self.says: set[str] = set()

    def live_through(self, ticks: list[datetime], deaf: set[datetime]) -> set[str]:
        coming = all_events(self.lives)
        for now in ticks:
            while coming and coming[0].at <= now:
                event = coming.pop(0)
                self.says.add(done(event, self.happens(event)))
            for kept in self.kept.values():
                if not kept.deleted:
                    self.look(kept, now)
                if now not in deaf:
                    self.send(kept, now)
                self.remove_bytes(kept, now)
        return self.says

    # --- what people do: whether it was accepted --------------------------------------------------------------------

    def happens(self, event: Event) -> bool:
        if event.what in ZONES:
            self.usual[event.what] = replace(self.usual[event.what], days=int(event.which))
            return True
        if event.what == "released":
            life = self.lives[event.dataset]
            self.kept[life.number] = Kept(life, [Link(each, each.ends_at) for each in life.shares], life.released_at)
            return True
        kept = self.kept[event.dataset]
        if event.what in ("partly", "fetched", "checked", "has it", "not theirs", "revoked", "renewed"):
            self.happens_to_link(kept, kept.links[int(event.which)], event)
            return True
        return self.is_decided(kept, event)

    def happens_to_link(self, kept: Kept, link: Link, event: Event) -> None:
        if event.what in ("partly", "fetched", "checked"):
            kept.used_at = event.at
        if event.what in ("fetched", "checked", "has it"):
            link.complete_at = link.complete_at or event.at
        if event.what in ("checked", "has it"):
            link.agreed_at = event.at
        if event.what == "renewed":
            link.ends_at += 20 * DAY
        if event.what == "revoked":
            link.revoked_at = event.at
        link.astray = link.astray or event.what == "not theirs"

    def is_decided(self, kept: Kept, event: Event) -> bool:
        now, what = event.at, event.what
        who = self.who(kept.life, event)
        if what == "downloaded":
            kept.used_at = now
        elif what == "class":
            kept.plan_name = str(event.which)
        elif what == "extended":
            return self.extend(kept, now, manages=True)
        elif what.endswith("keeps"):
            if who not in kept.roles or not self.extend(kept, now, manages=False):
                return False
            kept.may_go.pop(who, None)
        elif what.endswith("agrees"):
            if who not in kept.roles or kept.deleted:
                return False
            kept.may_go.setdefault(who, now)
        else:
            return self.is_held_or_deleted(kept, what, now)
        return True

    def who(self, life: Life, event: Event) -> str:
        return life.shares[int(event.which)].person if event.what.startswith("person") else life.owner

    def is_held_or_deleted(self, kept: Kept, what: str, now: datetime) -> bool:
        if what == "held":
            if kept.held or kept.purged:
                return False
            kept.held = True
            kept.begin_anew()
        elif what == "released from hold":
            was, kept.held = kept.held, False
            return was
        elif what == "deleted":
            if kept.held or kept.deleted:
                return False
            self.delete(kept, now)
        else:
            assert what == "restored"
            if not kept.deleted or kept.purged:
                return False
            kept.deleted, kept.extended = None, now + 30 * DAY
            kept.begin_anew()
        return True

    def extend(self, kept: Kept, now: datetime, *, manages: bool) -> bool:
        at, plan = self.goes(kept, now), self.plan_of(kept)
        if kept.deleted or at is None or not (manages or kept.times < plan.most):
            return False
        kept.extended = at + plan.more * DAY
        kept.times += not manages
        kept.begin_anew()
        return True

    # --- what the clock does ----------------------------------------------------------------------------------------

    def look(self, kept: Kept, now: datetime) -> None:
        notice = self.notice(kept)
        if kept.warned and not kept.heard and now >= kept.warned + notice / 14:
            kept.begin_anew()  # nobody who decides knows of it
        at = self.goes(kept, now)
        if at is None or at - now > notice:
            kept.begin_anew()
        elif at <= now:
            self.delete(kept, now)
        else:
            kept.warned = kept.warned or now
            self.queue(kept, at.date(), self.mark_of(kept, at, now))

    def delete(self, kept: Kept, now: datetime) -> None:
        kept.deleted, kept.bytes_until = now, now + self.plan_of(kept).grace * DAY
        self.says.add(gone(kept.life, now, "deleted"))

    def remove_bytes(self, kept: Kept, now: datetime) -> None:
        if kept.deleted and not kept.purged and not kept.held and kept.bytes_until and kept.bytes_until <= now:
            kept.purged = True
            self.says.add(gone(kept.life, now, "purged"))

    def queue(self, kept: Kept, day: date, mark: int) -> None:
        """A mail of the same mark that still waits tells of the new day instead."""
        for to, role in self.people(kept).items():
            kept.roles[to] = role
            if (to, day, mark) in kept.mails:
                continue
            for old in [old for old, state in kept.mails.items() if (old[0], old[2], state) == (to, mark, "waiting")]:
                del kept.mails[old]
            kept.mails[to, day, mark] = "waiting"

    def send(self, kept: Kept, now: datetime) -> None:
        for (to, day, mark), state in kept.mails.items():
            if state != "waiting":
                continue
            at = None if kept.deleted else self.goes(kept, now)
            role = kept.roles[to]
            true = at is not None and (at.date(), self.mark_of(kept, at, now)) == (day, mark)
            if at is None or not true or (role == "recipient" and to not in self.without(kept)):
                kept.mails[to, day, mark] = "dropped"
                continue
            kept.mails[to, day, mark] = "sent"
            there = at.astimezone(ZoneInfo(ZONES[kept.life.project])).date()
            self.says.add(told(kept.life, to, now, there, str(mark)))
            if role != "recipient":
                kept.heard = kept.heard or now

    # --- the rules --------------------------------------------------------------------------------------------------

    def plan_of(self, kept: Kept) -> Plan:
        return self.usual[kept.life.project] if kept.plan_name == "usual" else OTHERS[kept.plan_name]

    def marks(self, kept: Kept) -> list[int]:
        return [mark for mark in (1, 7, 14) if mark < (self.plan_of(kept).days or 0)]

    def notice(self, kept: Kept) -> timedelta:
        return max(self.marks(kept), default=0) * DAY

    def mark_of(self, kept: Kept, at: datetime, now: datetime) -> int:
        return next((mark for mark in self.marks(kept) if at - now <= mark * DAY), 0)

    def goes(self, kept: Kept, now: datetime) -> datetime | None:
        """When it would be deleted if nothing else happened."""
        plan, links = self.plan_of(kept), self.links_that_count(kept)
        if kept.held or plan.days is None:
            return None
        counted = kept.life.released_at
        if plan.counted == "last_access":
            counted = kept.used_at
        elif plan.counted == "all_complete":
            counted = max([counted, *self.ends_of_waiting(links)])
        planned = counted + plan.days * DAY
        if kept.extended:
            planned = max(planned, kept.extended)
        elif plan.early and (agreed := self.all_agreed(kept, links)) and agreed < planned:
            return agreed
        return max(planned, self.notice_begins(kept, now) + self.notice(kept))

    def notice_begins(self, kept: Kept, now: datetime) -> datetime:
        """A mail that left within a day counts from when it was due, a later one from when it left."""
        heard = kept.heard or now
        return kept.warned if kept.warned and heard < kept.warned + self.notice(kept) / 14 else heard

    def links_that_count(self, kept: Kept) -> list[Link]:
        return [link for link in kept.links if not link.revoked_at] or kept.links

    def ends_of_waiting(self, links: list[Link]) -> list[datetime]:
        ends = []
        for person in {link.share.person for link in links}:
            theirs = [link for link in links if link.share.person == person]
            have = [link.waits_until for link in theirs if link.complete_at and not link.astray]
            ends.append(min(have) if have else max(link.waits_until for link in theirs))
        return ends

    def all_agreed(self, kept: Kept, links: list[Link]) -> datetime | None:
        if any(link.revoked_at or link.astray for link in links):  # all are revoked, or the right one was not reached
            return None
        wanted = {link.share.person for link in links} | {kept.life.owner} - {""}
        when = {link.share.person: link.agreed_at for link in links if link.agreed_at} | kept.may_go
        return max(when[who] for who in wanted) if wanted <= when.keys() else None

    def without(self, kept: Kept) -> set[str]:
        """Who has not fetched everything, and wants it."""
        working = [link for link in kept.links if not link.revoked_at]
        have = {link.share.person for link in working if link.complete_at or link.astray}
        return {link.share.person for link in working} - have

    def people(self, kept: Kept) -> dict[str, str]:
        recipients = sorted(self.without(kept)) if self.plan_of(kept).warns else []
        roles = dict.fromkeys(recipients, "recipient")
        if kept.life.owner:
            roles[kept.life.owner] = "owner"
        return {**roles, boss_of(kept.life.project): "manager"}
