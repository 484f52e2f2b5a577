"""How a push ends: done, failed or put off; who asked for it is told."""

from datetime import datetime
from typing import Any

from django.db import transaction

from delivery import events
from delivery.models import Delivery
from delivery.services.push_begin import forget_destination
from delivery.services.push_turn import PushTurn
from delivery.services.turns import wait_after
from portal.actors import SYSTEM, Actor
from portal.digests import tell_of_download
from portal.models import Dataset
from portal.outbox import queue_notice
from portal.templatetags.quantities import counted
from sharing.models import Receipt, ShareLink
from sharing.services.recording import Delivery as Taken
from sharing.services.recording import end_delivery
from sharing.services.telling import operators_of

State = Delivery.State
_MOST_TRIES = 12  # in a row without any progress: some six hours


def note_done(delivery: Delivery, claimant: str, push: PushTurn, now: datetime) -> None:
    """Everything is there and was compared. A live push for which files came meanwhile goes on."""
    done = {"files_total": push.files, "files_done": push.files, "bytes_total": push.size, "bytes_done": push.size}
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update(of=("self",)).get(pk=delivery.dataset_id)
        if delivery.files_to_push.filter(id__gt=push.upto).exists():
            follow_on(delivery, claimant)
            return
        idle = f"Ended after {counted(delivery.idle_hours, 'hour,hours')} without a new file."
        released = dataset.state == Dataset.State.RELEASED
        _end(delivery, claimant, State.DONE, now, reason="" if released else idle, **done)


def follow_on(delivery: Delivery, claimant: str) -> None:
    """Everything so far is there: waits for the next file, unless one has come already."""
    mine = Delivery.objects.filter(pk=delivery.pk, claimed_by=claimant)
    rest = {"leased_until": None, "claimed_by": "", "attempts": 0, "not_before": None, "reason": ""}
    mine.update(state=State.FOLLOWING, caught_up=True, **rest)


def note_failed(delivery: Delivery, claimant: str, reason: str, now: datetime) -> None:
    _end(delivery, claimant, State.FAILED, now, reason=reason[:300])


def put_off(delivery: Delivery, claimant: str, reason: str, now: datetime) -> None:
    """Tried again after 1, 2, 4 ... minutes; given up after a dozen tries without progress."""
    if delivery.attempts >= _MOST_TRIES:
        note_failed(delivery, claimant, reason, now)
        return
    Delivery.objects.filter(pk=delivery.pk, claimed_by=claimant).update(
        not_before=now + wait_after(delivery.attempts),
        leased_until=None,
        claimed_by="",
        state=State.WAITING,
        reason=reason[:300],
    )


def hand_on(delivery: Delivery, claimant: str) -> None:
    """The turn is over, others are next."""
    mine = Delivery.objects.filter(pk=delivery.pk, claimed_by=claimant)
    mine.update(leased_until=None, claimed_by="", attempts=0, state=State.WAITING, reason="")


def _end(delivery: Delivery, claimant: str, state: Delivery.State, now: datetime, **said: object) -> None:
    """Only by whoever holds it, so that it is told once."""
    with transaction.atomic():
        mine = Delivery.objects.filter(pk=delivery.pk, claimed_by=claimant)
        if not mine.update(state=state, ended_at=now, leased_until=None, claimed_by="", **said):
            return
        delivery.refresh_from_db()
        delivery.files_to_push.all().delete()
        forget_destination(delivery, now)
        if delivery.link and state == State.DONE:
            end_delivery(delivery=_taken(delivery, delivery.link), sent=delivery.bytes_total, now=now)
        _tell(delivery, now)
        events.push_ended(delivery, SYSTEM)


def _tell(delivery: Delivery, now: datetime) -> None:
    """Who asked for it hears of it in any case, and all of what failed; of others, operators hear as they wish."""
    occasion: dict[str, Any] = {"subject_id": delivery.pk, "slot": "ended", "dataset": delivery.dataset}
    asked_by = delivery.link.recipient if delivery.link else delivery.asked_by.email if delivery.asked_by else ""
    operators = [] if asked_by else operators_of(delivery.dataset)
    if delivery.state == State.DONE and operators:
        said = f"everything was pushed to “{delivery.destination.name}”"
        tell_of_download("push-done", operators, said=said, now=now, **occasion)
        return
    kind = "push-done" if delivery.state == State.DONE else "push-failed"
    for address in operators or [asked_by]:
        queue_notice(kind, address, **occasion)


def _taken(delivery: Delivery, link: ShareLink) -> Taken:
    return Taken(
        dataset=delivery.dataset,
        actor=Actor("recipient", str(link.pk), link.recipient, delivery.asked_from, delivery.client),
        kind=Receipt.Kind.PUSH,
        subject=delivery.destination.place[:300],
        total=delivery.bytes_total,
        spans=((0, delivery.bytes_total),),
        revision=delivery.dataset.revision,
        link=link,
    )
