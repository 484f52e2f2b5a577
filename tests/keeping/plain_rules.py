"""One dataset as the plain model has it, and the rules by which data are kept. No word of the portal's code."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.keeping.year_of_data import DAY, Life, Plan, Share


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
    to_tell: list[datetime] = field(default_factory=list)  # deletions of which those who decide are not told yet

    def begin_anew(self) -> None:
        self.warned = self.heard = None


def boss_of(project: str) -> str:
    return f"boss@{project}.example"


def marks(plan: Plan) -> list[int]:
    return [mark for mark in (1, 7, 14) if mark < (plan.days or 0)]


def notice(plan: Plan) -> timedelta:
    return max(marks(plan), default=0) * DAY


def mark_of(plan: Plan, at: datetime, now: datetime) -> int:
    return next((mark for mark in marks(plan) if at - now <= mark * DAY), 0)


def goes(kept: Kept, plan: Plan, now: datetime) -> datetime | None:
    """When it would be deleted if nothing else happened."""
    links = links_that_count(kept)
    if kept.held or plan.days is None:
        return None
    counted = kept.life.released_at
    if plan.counted == "last_access":
        counted = kept.used_at
    elif plan.counted == "all_complete":
        counted = max([counted, *ends_of_waiting(links)])
    planned = counted + plan.days * DAY
    if kept.extended:
        planned = max(planned, kept.extended)
    elif plan.early and (agreed := all_agreed(kept, links)) and agreed < planned:
        return agreed
    return max(planned, notice_begins(kept, plan, now) + notice(plan))


def notice_begins(kept: Kept, plan: Plan, now: datetime) -> datetime:
    """A mail that left within a day counts from when it was due, a later one from when it left."""
    heard = kept.heard or now
    return kept.warned if kept.warned and heard < kept.warned + notice(plan) / 14 else heard


def links_that_count(kept: Kept) -> list[Link]:
    return [link for link in kept.links if not link.revoked_at] or kept.links


def ends_of_waiting(links: list[Link]) -> list[datetime]:
    ends = []
    for person in {link.share.person for link in links}:
        theirs = [link for link in links if link.share.person == person]
        have = [link.waits_until for link in theirs if link.complete_at and not link.astray]
        ends.append(min(have) if have else max(link.waits_until for link in theirs))
    return ends


def all_agreed(kept: Kept, links: list[Link]) -> datetime | None:
    if any(link.revoked_at or link.astray for link in links):  # all are revoked, or the right one was not reached
        return None
    wanted = {link.share.person for link in links} | {kept.life.owner} - {""}
    when = {link.share.person: link.agreed_at for link in links if link.agreed_at} | kept.may_go
    return max(when[who] for who in wanted) if wanted <= when.keys() else None


def without(kept: Kept) -> set[str]:
    """Who has not fetched everything, and wants it."""
    working = [link for link in kept.links if not link.revoked_at]
    have = {link.share.person for link in working if link.complete_at or link.astray}
    return {link.share.person for link in working} - have


def people(kept: Kept, plan: Plan) -> dict[str, str]:
    recipients = sorted(without(kept)) if plan.warns else []
    return {**dict.fromkeys(recipients, "recipient"), **deciders(kept.life)}


def deciders(life: Life) -> dict[str, str]:
    owner = {life.owner: "owner"} if life.owner else {}
    return {**owner, boss_of(life.project): "manager"}
