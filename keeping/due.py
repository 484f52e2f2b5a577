"""What is due for a dataset that is kept for a time: a warning, its deletion, or nothing yet. Pure; the clock is given.

A dataset is deleted `days` after what its class counts from, or when everybody agreed, never while it is held, never
before what it was extended to, and never without notice: whatever stood still or was decided anew, the first warning
comes `notice` before the deletion. A warning counts once the mail left to somebody who decides; if that takes long, the
notice counts from then, and while it reaches nobody the deletion moves on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

WARNINGS = (14, 7, 1)  # days before the deletion
_PATIENCE = 14  # a mail that leaves within this part of the notice, a day of two weeks, was in time
LOOK_AGAIN = timedelta(days=1)  # for what may come earlier than it looked
_LONGEST_REST = timedelta(days=365)  # of which nothing ahead is known


@dataclass(frozen=True, slots=True)
class Policy:
    """`days` None: for ever. `early`: also as soon as everybody agreed."""

    days: int | None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """`counted_from`: what the days count from, None when that has not happened; `agreed_at`: when the last of those
    who are asked agreed to the deletion; `warned_at`: the first warning of the deletion that is coming was queued;
    `told_at`: the first of its mails to somebody who decides was sent."""

    counted_from: datetime | None
    held: bool = False
    extended_until: datetime | None = None
    agreed_at: datetime | None = None
    warned_at: datetime | None = None
    told_at: datetime | None = None


def warnings_of(policy: Policy) -> tuple[int, ...]:
    """The days before the deletion at which people are warned, most first: all that fit into a short retention."""
    return tuple(days for days in WARNINGS if policy.days and days < policy.days)


def deletion_at(facts: Facts, policy: Policy, now: datetime) -> datetime | None:
    """When the dataset would be deleted if nothing else happened; None: not by the clock."""
    if facts.held or policy.days is None or facts.counted_from is None:
        return None
    planned = facts.counted_from + timedelta(days=policy.days)
    if facts.extended_until:  # somebody wants it: then nobody's consent brings the deletion forward
        planned = max(planned, facts.extended_until)
    elif policy.early and facts.agreed_at and facts.agreed_at < planned:
        return facts.agreed_at
    return max(planned, _notice_begins(facts, policy, now) + _notice(policy))


def deletion_due(facts: Facts, policy: Policy, now: datetime) -> bool:
    at = deletion_at(facts, policy, now)
    return at is not None and at <= now


def warning_due(facts: Facts, policy: Policy, now: datetime) -> int | None:
    """Which of the warnings has its time: the latest one, when several were missed."""
    at = deletion_at(facts, policy, now)
    if at is None or at <= now:
        return None
    begun = [days for days in warnings_of(policy) if at - now <= timedelta(days=days)]
    return min(begun, default=None)


def warning_is_over(facts: Facts, policy: Policy, now: datetime) -> bool:
    """The deletion that was warned of has moved away, or nobody heard of it: its notice begins anew."""
    if facts.warned_at is None:
        return False
    at = deletion_at(facts, policy, now)
    return at is None or at - now > _notice(policy) or reached_nobody(facts, policy, now)


def reached_nobody(facts: Facts, policy: Policy, now: datetime) -> bool:
    """People were to be warned, and none of those who decide could be told in time."""
    if facts.warned_at is None or facts.told_at is not None or policy.days is None:
        return False
    return now >= facts.warned_at + patience_of(policy)


def look_again_at(facts: Facts, policy: Policy, now: datetime, *, may_come_earlier: bool = False) -> datetime:
    """The next moment at which one of the answers above may be another one."""
    at = deletion_at(facts, policy, now)
    steps = [at - timedelta(days=days) for days in (*warnings_of(policy), 0)] if at else []
    if at and facts.warned_at and facts.told_at is None:
        steps.append(facts.warned_at + patience_of(policy))
    ahead = min((step for step in steps if step > now), default=now + _LONGEST_REST)
    return min(ahead, now + LOOK_AGAIN) if may_come_earlier or facts.counted_from is None else ahead


def patience_of(policy: Policy) -> timedelta:
    """How long the first mail may take without moving the deletion."""
    return _notice(policy) / _PATIENCE


def _notice_begins(facts: Facts, policy: Policy, now: datetime) -> datetime:
    """Warned, told, or not yet."""
    if facts.warned_at is None:
        return now
    told = facts.told_at or now
    return facts.warned_at if told < facts.warned_at + patience_of(policy) else told


def _notice(policy: Policy) -> timedelta:
    return timedelta(days=max(warnings_of(policy)))
