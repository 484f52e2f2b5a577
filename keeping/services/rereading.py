"""Every verified file is read again from time to time, with its second copies, and compared with what was verified.

One pass over all of them is a round. It remembers where it is after each batch, so it is done in small bits, by the
clock or by hand, and goes on after it was killed; a batch that is read twice does no harm.
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from dataplane.errors import DataplaneError
from dataplane.side_by_side import side_by_side
from keeping.models import FileCopy, Round
from keeping.services.damage import acquit, condemn, remake_copy, repair
from keeping.services.examining import Finding, examine
from keeping.services.presence import require_presence
from portal.errors import Conflict
from portal.mail_claims import Clock
from portal.models import DataFile, Dataset
from portal.storage import store_named

LEASE = timedelta(minutes=5)
_RENEW_EVERY = timedelta(minutes=1)
_BATCH_FILES = 500
_BATCH_BYTES = 256 * 1024 * 1024

_SHARE_SECONDS = 3000  # less than an hour, so that the next share finds the round free

log = structlog.get_logger(__name__)

Tell = Callable[["Outcome"], None]


@dataclass(frozen=True, slots=True)
class Budget:
    """Where a stretch of re-reading stops: after the batch in which so many bytes or seconds are used up."""

    most_bytes: float = float("inf")
    seconds: float = float("inf")


@dataclass(slots=True)
class Outcome:
    """`damaged` are no longer offered; `repaired` counts second copies too; `unreadable` ones are not judged."""

    files: int
    bytes: int
    damaged: list[DataFile]
    repaired: int = 0
    unreadable: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """One reading: of the file in its dataset's store, or of one of its second copies."""

    file: DataFile
    copy: FileCopy | None = None

    @property
    def store(self) -> str:
        return self.copy.store if self.copy else self.file.dataset.store


def reread(budget: Budget, *, clock: Clock, tell: Tell) -> Round:
    """Go on with the round, or begin one, until the budget is used up or the round ends; `tell` hears of each batch.

    Raises Conflict while somebody else re-reads, StoreTrouble when a store is there but all its files are not.
    Cost: besides reading, some five queries for 500 files.
    """
    this = _hold_round(clock())
    stop_at, used = time.monotonic() + budget.seconds, 0
    try:
        while files := _next_files(this.position):
            outcome = look_at(files, clock=clock, still_here=lambda: _renew(this, clock()))
            _note(this, files[-1].pk, outcome)
            tell(outcome)
            used += outcome.bytes
            if used >= budget.most_bytes or time.monotonic() >= stop_at:
                break
        else:
            Round.objects.filter(pk=this.pk).update(ended_at=clock())
    finally:
        Round.objects.filter(pk=this.pk, claimed_by=this.claimed_by).update(leased_until=None, claimed_by="")
    this.refresh_from_db()
    return this


def look_at(files: Sequence[DataFile], *, clock: Clock, still_here: Callable[[], None]) -> Outcome:
    """Read these and their second copies, and act on what is wrong. Raises StoreTrouble."""
    copies = FileCopy.objects.good().filter(file__in=[file.pk for file in files])
    of_file: dict[int, list[FileCopy]] = defaultdict(list)
    for copy in copies:
        of_file[copy.file_id].append(copy)
    looks = [look for file in files for look in (_Look(file), *(_Look(file, copy) for copy in of_file[file.pk]))]
    seen = side_by_side(_examine, looks, lambda look: look.file.size, still_here)
    require_presence([(look.store, look.file, finding.missing) for look, finding in seen])
    outcome = Outcome(len(files), sum(look.file.size for look in looks), [])
    _act(seen, outcome, clock())
    return outcome


def look_at_damaged(*, clock: Clock) -> Outcome:
    """Read again what was found damaged: what somebody has put back is offered again."""
    once_good = DataFile.objects.filter(state=DataFile.State.CORRUPT, verified_at__isnull=False, crc32__isnull=False)
    once_good = once_good.exclude(dataset__state__in=Dataset.GONE)
    files = list(once_good.select_related("dataset__project"))
    outcome = Outcome(len(files), sum(file.size for file in files), [])
    for look, finding in side_by_side(_examine, [_Look(file) for file in files], lambda look: look.file.size, _nothing):
        if finding.reason:
            outcome.damaged.append(look.file)
        elif acquit(look.file, now=clock()):
            outcome.repaired += 1
    return outcome


def look_at_file(file_id: int, *, clock: Clock) -> None:
    """One file that gave trouble elsewhere; nothing to do for one that is no longer offered."""
    if file := DataFile.objects.stored().select_related("dataset__project").filter(pk=file_id).first():
        look_at([file], clock=clock, still_here=_nothing)


def reread_by_the_clock(*, days: int, clock: Clock) -> None:
    """An hour's share of a round that takes `days`. Whoever else re-reads does it as well."""
    share = Budget(most_bytes=bytes_to_read() / (days * 24), seconds=_SHARE_SECONDS)
    try:
        reread(share, clock=clock, tell=_unwatched)
    except Conflict:
        return
    except DataplaneError as error:
        Round.objects.under_way().update(trouble=str(error)[:300])
        log.error("reread_stopped", error=str(error))


def bytes_to_read() -> int:
    """Of one round, second copies left out."""
    offered = Dataset.objects.exclude(state__in=Dataset.GONE).order_by()
    return int(offered.aggregate(size=Sum("bytes_verified", default=0))["size"])


def _hold_round(now: datetime) -> Round:
    claimant = secrets.token_hex(16)
    this = Round.objects.under_way().first() or _begin_round(now)
    if not Round.objects.claim([this.pk], claimant=claimant, now=now, lease=LEASE):
        raise Conflict("Somebody re-reads already. Wait until they are done; a killed one lets go after five minutes.")
    return Round.objects.get(pk=this.pk)


def _begin_round(now: datetime) -> Round:
    try:
        with transaction.atomic():
            return Round.objects.create(began_at=now)
    except IntegrityError:  # one_round_at_a_time: somebody was quicker
        return Round.objects.under_way().get()


def _renew(this: Round, now: datetime) -> None:
    if this.leased_until is None or this.leased_until - now < LEASE - _RENEW_EVERY:
        this.leased_until = now + LEASE
        Round.objects.filter(pk=this.pk, claimed_by=this.claimed_by).update(leased_until=this.leased_until)


def _next_files(position: int) -> list[DataFile]:
    behind = DataFile.objects.stored().filter(pk__gt=position).select_related("dataset__project").order_by("pk")
    files, size = [], 0
    for file in behind[:_BATCH_FILES]:
        files.append(file)
        size += file.size
        if size >= _BATCH_BYTES:
            break
    return files


def _examine(look: _Look) -> Finding:
    try:
        return examine(store_named(look.store), look.file)
    except (DataplaneError, OSError) as error:
        return Finding(f"It cannot be read: {error}", judged=False)


def _act(seen: list[tuple[_Look, Finding]], outcome: Outcome, now: datetime) -> None:
    wrong: dict[UUID, list[tuple[DataFile, str]]] = defaultdict(list)
    good_copies: dict[int, list[FileCopy]] = defaultdict(list)
    for look, finding in seen:
        if look.copy and not finding.reason:
            good_copies[look.file.pk].append(look.copy)
    bad_files: set[int] = set()
    for look, finding in seen:
        if not finding.judged:
            outcome.unreadable, outcome.trouble = outcome.unreadable + 1, finding.reason[:300]
        elif finding.reason and look.copy is None:
            if repair(look.file, good_copies[look.file.pk], finding.reason):
                outcome.repaired += 1
            else:
                bad_files.add(look.file.pk)
                wrong[look.file.dataset_id].append((look.file, finding.reason))
    for dataset_id, damaged in wrong.items():
        outcome.damaged += condemn(dataset_id, damaged, now=now)
    for look, finding in seen:
        if look.copy and finding.judged and finding.reason and look.file.pk not in bad_files:
            remake_copy(look.copy, finding.reason)
            outcome.repaired += 1


def _note(this: Round, position: int, outcome: Outcome) -> None:
    this.position = position
    Round.objects.filter(pk=this.pk).update(
        position=position,
        files=F("files") + outcome.files,
        bytes=F("bytes") + outcome.bytes,
        damaged=F("damaged") + len(outcome.damaged),
        repaired=F("repaired") + outcome.repaired,
        unreadable=F("unreadable") + outcome.unreadable,
        **({"trouble": outcome.trouble} if outcome.trouble else {}),
    )


def _unwatched(outcome: Outcome) -> None:
    """The round has the counts."""


def _nothing() -> None:
    """Nobody waits for a sign of life."""
