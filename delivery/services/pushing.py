"""Pushes, in turns of some minutes: first the projects that were served longest ago."""

import tempfile
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import F, Max, OuterRef, Subquery

from dataplane.errors import DataplaneError
from delivery.models import Delivery
from delivery.rclone import OUT_OF_TIME, RcloneFailed
from delivery.services.push_end import follow_on, hand_on, note_done, note_failed, put_off
from delivery.services.push_turn import PushTurn
from delivery.services.turns import Clock, Turn, TurnLost, begin_turn
from portal.errors import PortalError
from portal.models import Dataset

_MAY_LIVE = (Dataset.State.OPEN, Dataset.State.CLOSED, Dataset.State.RELEASED)


def push_next(*, clock: Clock) -> bool:
    """One turn for the delivery whose project was served longest ago; False when none is due.

    A worker is always left for other work: no more than one less than there are push at the same time.
    """
    now = clock()
    if Delivery.objects.under_way().filter(leased_until__gt=now).count() >= max(1, _workers() - 1):
        return False
    for delivery_id in _in_order(now):
        if turn := begin_turn(Delivery.objects.under_way(), delivery_id, clock):
            _push(delivery_id, turn, clock)
            return True
    return False


def _workers() -> int:
    number: int = settings.CELERY_WORKER_CONCURRENCY
    return number


def _in_order(now: datetime) -> list[int]:
    of_project = Delivery.objects.filter(dataset__project=OuterRef("dataset__project")).order_by()
    served = of_project.values("dataset__project").annotate(last=Max("last_turn_at")).values("last")
    due = Delivery.objects.under_way().with_work(now).annotate(served=Subquery(served))
    first = F("served").asc(nulls_first=True), F("last_turn_at").asc(nulls_first=True), "pk"
    return list(due.order_by(*first).values_list("pk", flat=True)[:10])


def _push(delivery_id: int, turn: Turn, clock: Clock) -> None:
    related = ("dataset__project", "destination", "asked_by", "link")
    delivery = Delivery.objects.select_related(*related).get(pk=delivery_id)
    Delivery.objects.filter(pk=delivery_id).update(last_turn_at=clock())
    try:
        if gone := _gone(delivery):
            note_failed(delivery, turn.claimant, f"The {gone} before everything was pushed.", clock())
            return
        with tempfile.TemporaryDirectory(prefix="push-") as folder:
            _take_turn(delivery, turn, Path(folder), clock)
    except RcloneFailed as error:
        _failed(delivery, turn.claimant, error, clock())
    except (PortalError, DataplaneError, OSError) as error:
        put_off(delivery, turn.claimant, str(error), clock())
    except TurnLost:
        return


def _gone(delivery: Delivery) -> str:
    """What of it is no longer there."""
    if delivery.destination.removed_at:
        return "destination was removed"
    if delivery.link and delivery.link.revoked_at:
        return "link was revoked"
    states = _MAY_LIVE if delivery.live else (Dataset.State.RELEASED,)
    return "" if delivery.dataset.state in states else "dataset was deleted"


def _take_turn(delivery: Delivery, turn: Turn, folder: Path, clock: Clock) -> None:
    """Raises RcloneFailed, TurnLost."""
    push = PushTurn(delivery, turn, folder)
    if delivery.live and not delivery.is_over(clock()):
        (push.copy_new if delivery.caught_up else push.copy_all)()
        delivery.files_to_push.filter(id__lte=push.upto).delete()
        follow_on(delivery, turn.claimant)
        return
    push.copy_all()
    push.compare()
    note_done(delivery, turn.claimant, push, clock())


def _failed(delivery: Delivery, claimant: str, error: RcloneFailed, now: datetime) -> None:
    if error.code == OUT_OF_TIME:
        hand_on(delivery, claimant)
    elif error.is_permanent:
        note_failed(delivery, claimant, str(error), now)
    else:
        put_off(delivery, claimant, str(error), now)
