"""A plain model of how long data are kept: it walks through a year from tick to tick and remembers everything.

It knows nothing of the portal's code. What it says comes as sentences, so that a difference names dataset and day.
"""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.keeping.plain_rules import Kept, Link, deciders, goes, mark_of, notice, people, without
from tests.keeping.year_of_data import DAY, OTHERS, USUAL, ZONES, Event, Life, Plan, all_events


def told(life: Life, to: str, at: datetime, day: date, mark: str) -> str:
    return f"dataset {life.number} ({life.project}): {at:%F %R} {to} reads that it goes on {day}, {mark} days before"


def told_of_deletion(life: Life, to: str, at: datetime, deleted_at: datetime) -> str:
    return f"dataset {life.number} ({life.project}): {at:%F %R} {to} hears that it went {deleted_at:%F %R}"


def gone(life: Life, at: datetime, what: str) -> str:
    return f"dataset {life.number} ({life.project}): {what} {at:%F %R}"


def done(event: Event, accepted: bool) -> str:
    answer = "done" if accepted else "refused"
    return f"dataset {event.dataset}: {event.what} {event.which} {event.at:%F %R}: {answer}"


class Model:
    """What is so in each moment of the year, and what was said of it up to then."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives = lives
        self.usual = dict(USUAL)
        self.kept: dict[int, Kept] = {}
        self.says: set[str] = set()

    def live_through(self, ticks: list[datetime], deaf: set[datetime]) -> set[str]:
        """`deaf`: ticks at which the mail server is away."""
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
                    self.tell(kept, now)
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
        at, plan = goes(kept, self.plan_of(kept), now), self.plan_of(kept)
        if kept.deleted or at is None or not (manages or kept.times < plan.most):
            return False
        kept.extended = at + plan.more * DAY
        kept.times += not manages
        kept.begin_anew()
        return True

    # --- what the clock does ----------------------------------------------------------------------------------------

    def look(self, kept: Kept, now: datetime) -> None:
        plan = self.plan_of(kept)
        if kept.warned and not kept.heard and now >= kept.warned + notice(plan) / 14:
            kept.begin_anew()  # nobody who decides knows of it
        at = goes(kept, plan, now)
        if at is None or at - now > notice(plan):
            kept.begin_anew()
        elif at <= now:
            self.delete(kept, now)
        else:
            kept.warned = kept.warned or now
            self.queue(kept, at.date(), mark_of(plan, at, now))

    def delete(self, kept: Kept, now: datetime) -> None:
        kept.deleted, kept.bytes_until = now, now + self.plan_of(kept).grace * DAY
        kept.to_tell.append(now)
        self.says.add(gone(kept.life, now, "deleted"))

    def remove_bytes(self, kept: Kept, now: datetime) -> None:
        if kept.deleted and not kept.purged and not kept.held and kept.bytes_until and kept.bytes_until <= now:
            kept.purged = True
            self.says.add(gone(kept.life, now, "purged"))

    def queue(self, kept: Kept, day: date, mark: int) -> None:
        """A mail of the same mark that still waits tells of the new day instead."""
        for to, role in people(kept, self.plan_of(kept)).items():
            kept.roles[to] = role
            if (to, day, mark) in kept.mails:
                continue
            for old in [old for old, state in kept.mails.items() if (old[0], old[2], state) == (to, mark, "waiting")]:
                del kept.mails[old]
            kept.mails[to, day, mark] = "waiting"

    def send(self, kept: Kept, now: datetime) -> None:
        plan = self.plan_of(kept)
        for (to, day, mark), state in kept.mails.items():
            if state != "waiting":
                continue
            at = None if kept.deleted else goes(kept, plan, now)
            role = kept.roles[to]
            true = at is not None and (at.date(), mark_of(plan, at, now)) == (day, mark)
            if at is None or not true or (role == "recipient" and to not in without(kept)):
                kept.mails[to, day, mark] = "dropped"
                continue
            kept.mails[to, day, mark] = "sent"
            there = at.astimezone(ZoneInfo(ZONES[kept.life.project])).date()
            self.says.add(told(kept.life, to, now, there, str(mark)))
            if role != "recipient":
                kept.heard = kept.heard or now

    def tell(self, kept: Kept, now: datetime) -> None:
        """Of deletions that were not undone meanwhile."""
        if kept.deleted in kept.to_tell:
            self.says |= {told_of_deletion(kept.life, to, now, kept.deleted) for to in deciders(kept.life)}
        kept.to_tell.clear()

    def plan_of(self, kept: Kept) -> Plan:
        return self.usual[kept.life.project] if kept.plan_name == "usual" else OTHERS[kept.plan_name]
