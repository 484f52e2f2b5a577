"""By the clock: every released dataset is looked at when something may be due; warned of, or deleted for users.

Any number of workers may do this at once: rows are claimed with a lease, a warning is queued once for its day, and a
deletion is one UPDATE that fails when the dataset was held or extended meanwhile.
"""

import secrets
import time
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, OuterRef, QuerySet

from keeping.due import deletion_at, deletion_due, look_again_at, reached_nobody, warning_due, warning_is_over
from keeping.models import Keeping, RetentionClass
from keeping.services.deleting import expire
from keeping.services.facts import Situation, situations
from keeping.services.warning import warn
from portal.actors import SYSTEM
from portal.mail_claims import Clock
from portal.models import Dataset

LEASE = timedelta(minutes=1)
WORK_FOR = 300  # seconds
_AT_ONCE = 200
_BEGUN_AT_ONCE = 2000
_OVERLAP = timedelta(hours=2)  # longer than a transaction that releases a dataset, or two clocks that differ
_MARK_AFTER = timedelta(hours=1)

log = structlog.get_logger(__name__)


def keep_by_the_clock(*, clock: Clock, seconds: float = WORK_FOR) -> int:
    """Look at what is due, for about so long; the number of datasets looked at.

    Cost: three queries when nothing is due; some ten for 200 datasets, and a few for each that is warned of or deleted.
    Memory flat.
    """
    begin_keeping(clock())
    stop_at, looked = time.monotonic() + seconds, 0
    while time.monotonic() < stop_at and (batch := _claim(clock())):
        for situation in situations(batch):
            _look_at(situation, clock())
        looked += len(batch)
    return looked


def begin_keeping(now: datetime) -> None:
    """A row for each released dataset of a project that keeps for a time.

    Cost: two queries when there is nothing new, over what was released in the last three hours; all of its project's
    datasets are walked once, when a class becomes the default.
    """
    defaults = RetentionClass.objects.filter(is_default=True)
    marks = dict(defaults.order_by().values_list("pk", "begun_until"))
    known = [mark for mark in marks.values() if mark]
    there = Dataset.objects.exclude(state__in=Dataset.GONE).filter(released_at__isnull=False)
    new = there.filter(keeping__isnull=True).order_by()
    if len(known) < len(marks):
        _begin(new.filter(project__in=defaults.filter(begun_until=None).values("project")))
    if known:
        # Neither state nor project is told as a value: SQLite would take their indexes, which lead to all datasets.
        kept = Exists(defaults.filter(project=OuterRef("project")))
        _begin(new.filter(kept, released_at__gt=min(known) - _OVERLAP))
    if not all(mark and mark >= now - _MARK_AFTER for mark in marks.values()):
        defaults.filter(pk__in=marks).update(begun_until=now)


def _begin(new: QuerySet[Dataset]) -> None:
    while ids := list(new.values_list("pk", flat=True)[:_BEGUN_AT_ONCE]):
        Keeping.objects.bulk_create([Keeping(dataset_id=pk) for pk in ids], ignore_conflicts=True)


def _claim(now: datetime) -> list[Keeping]:
    waiting = Keeping.objects.to_look_at()
    ids = list(waiting.due(now).order_by("not_before").values_list("pk", flat=True)[:_AT_ONCE])
    claimant = secrets.token_hex(16)
    if not ids or not waiting.claim(ids, claimant=claimant, now=now, lease=LEASE, not_before=now):
        return []
    held = Keeping.objects.filter(pk__in=ids, claimed_by=claimant)
    return list(held.select_related("dataset__project").order_by("pk"))


def _look_at(situation: Situation, now: datetime) -> None:
    """Whatever is due, and when to look again. What somebody decides meanwhile has it looked at once more."""
    situation = _with_news_of_warnings(situation, now)
    keeping, policy, facts = situation.keeping, situation.policy, situation.facts
    keeping.deletion_at = deletion_at(facts, policy, now)
    if deletion_due(facts, policy, now):
        if expire(keeping, actor=SYSTEM, reason=_reason(situation), now=now):
            log.info("dataset_deleted", dataset=keeping.dataset.name)
            _let_go(keeping)
            return
    elif (days := warning_due(facts, policy, now)) and warn(situation, days=days, now=now):
        keeping.warned_at = keeping.warned_at or now
        facts = replace(facts, warned_at=keeping.warned_at)
    again = look_again_at(facts, policy, now, may_come_earlier=situation.may_come_earlier)
    noted = {name: getattr(keeping, name) for name in ("warned_at", "unheard_since")}
    _let_go(keeping, not_before=again, deletion_at=deletion_at(facts, policy, now), **noted)


def _with_news_of_warnings(situation: Situation, now: datetime) -> Situation:
    """Those that came to nothing are forgotten; since when that is so is noted until somebody is told."""
    keeping, facts, policy = situation.keeping, situation.facts, situation.policy
    over = warning_is_over(facts, policy, now)
    if reached_nobody(facts, policy, now):
        keeping.unheard_since = keeping.unheard_since or facts.warned_at
    elif over or facts.told_at or deletion_at(facts, policy, now) is None:
        keeping.unheard_since = None
    if not over:
        return situation
    keeping.warned_at = None
    return replace(situation, facts=replace(facts, warned_at=None, told_at=None))


def _let_go(keeping: Keeping, **columns: object) -> None:
    """Whoever says something about the dataset empties `not_before`: then it is looked at again at once."""
    ours = Keeping.objects.filter(pk=keeping.pk, claimed_by=keeping.claimed_by)
    unchanged = ours.filter(not_before=keeping.not_before)
    if not (columns and unchanged.update(leased_until=None, claimed_by="", **columns)):
        ours.update(leased_until=None, claimed_by="")


def _reason(situation: Situation) -> str:
    if situation.policy.early and situation.facts.agreed_at and not situation.facts.extended_until:
        return "everybody has it or agreed"
    return f"kept as “{situation.retention}” says"
