"""Messages to hooks: formed once, sent until they are taken.

A message has up to 500 files of one dataset. Files wait in the database from the transaction that verified them, so
none is forgotten; a message that was taken just when a worker died is sent again, with the same `webhook-id`.
"""

import json
import secrets
import time
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from delivery import events
from delivery.models import FileToTell, Hook, HookMessage
from delivery.services.turns import Clock, Turn, TurnLost, begin_turn, wait_after
from delivery.signatures import signed_headers
from delivery.vault import unlock
from delivery.web_calls import CallFailed, milliseconds_since, post
from portal.errors import PortalError
from portal.models import DataFile, Dataset
from portal.outbox import queue_notice

FILES = 500
KEPT = 50  # messages that were taken, for the page of the hook
_GONE = 410
_TURN = 60  # seconds; then other hooks are next


def tell_next(*, clock: Clock) -> bool:
    """A turn for the hook that was served longest ago; False when none has anything to tell."""
    now = clock()
    waiting = Exists(FileToTell.objects.filter(hook=OuterRef("pk")))
    unsent = Exists(_unsent().filter(hook=OuterRef("pk")))
    due = Hook.objects.active().due(now).filter(Q(waiting) | Q(unsent))
    for hook_id in due.order_by(F("last_turn_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:10]:
        if turn := begin_turn(Hook.objects.active(), hook_id, clock):
            _take_turn(hook_id, turn, clock)
            return True
    return False


def _take_turn(hook_id: int, turn: Turn, clock: Clock) -> None:
    hook = Hook.objects.select_related("project", "created_by").get(pk=hook_id)
    Hook.objects.filter(pk=hook_id).update(last_turn_at=clock())
    ends = time.monotonic() + _TURN
    try:
        while time.monotonic() < ends and (message := _next_message(hook, clock())):
            turn.still_here()
            if not call(hook, message, clock()):
                _put_off(hook, message, turn.claimant, clock())
                return
            _note_taken(hook, turn.claimant)
    except TurnLost:
        return
    Hook.objects.filter(pk=hook_id, claimed_by=turn.claimant).update(leased_until=None, claimed_by="", attempts=0)


def call(hook: Hook, message: HookMessage, now: datetime) -> bool:
    """Whether it was taken. What came back stands in the message."""
    started = time.monotonic()
    message.tries, message.tried_at, message.status = message.tries + 1, now, None
    body = message.body.encode()
    try:
        answer = post(hook.url, body, signed_headers(unlock(hook.locked)["secret"], message.name, body, now))
    except (CallFailed, PortalError) as error:
        message.answer = str(error)[:300]
    else:
        message.status, message.answer = answer.status, answer.text.replace("\0", "")[:300]
        if 200 <= answer.status < 300:
            message.taken_at, message.body = now, ""
    message.took_ms = milliseconds_since(started)
    message.save(update_fields=["tries", "tried_at", "status", "answer", "took_ms", "taken_at", "body"])
    return message.taken_at is not None


def send_trial(hook: Hook, now: datetime) -> HookMessage:
    """A message about no file, sent at once and once only. Says nothing about how the hook is."""
    message = _message(hook, "test", {"project": hook.project.code}, now)
    call(hook, message, now)
    HookMessage.objects.filter(pk=message.pk).update(body="")
    return message


def _unsent() -> QuerySet[HookMessage]:
    return HookMessage.objects.filter(dataset__isnull=False).exclude(body="")


def _next_message(hook: Hook, now: datetime) -> HookMessage | None:
    """The one that was not taken yet, else a new one about the files that wait."""
    if unsent := _unsent().filter(hook=hook).order_by("id").first():
        return unsent
    with transaction.atomic():
        while rows := list(FileToTell.objects.filter(hook=hook).select_related("file")[:FILES]):
            first = rows[0].file.dataset_id
            rows = [row for row in rows if row.file.dataset_id == first]
            FileToTell.objects.filter(pk__in=[row.pk for row in rows]).delete()
            files = [row.file for row in rows if row.file.state == DataFile.State.VERIFIED]
            if files:  # else each was replaced by a newer version, which is told by itself
                return _about(hook, Dataset.objects.get(pk=first), files, now)
    return None


def _about(hook: Hook, dataset: Dataset, files: list[DataFile], now: datetime) -> HookMessage:
    described = {
        "id": str(dataset.pk),
        "name": dataset.name,
        "title": dataset.title,
        "url": settings.PORTAL_URL + dataset.get_absolute_url(),
    }
    told = [
        {
            "path": file.path,
            "size": file.size,
            "sha256": file.sha256,
            "verified_at": file.verified_at.isoformat() if file.verified_at else None,
        }
        for file in files
    ]
    data = {"project": hook.project.code, "dataset": described, "files": told}
    return _message(hook, "files.verified", data, now, dataset=dataset, files=len(files))


def _message(hook: Hook, kind: str, data: Mapping[str, object], now: datetime, **fields: object) -> HookMessage:
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}, ensure_ascii=False)
    return HookMessage.objects.create(hook=hook, name=f"msg_{secrets.token_hex(16)}", body=body, **fields)


def _note_taken(hook: Hook, claimant: str) -> None:
    hook.failing_since = None
    Hook.objects.filter(pk=hook.pk, claimed_by=claimant).update(failing_since=None, attempts=0, reason="")
    old = HookMessage.objects.filter(hook=hook, body="").order_by("-id").values_list("pk", flat=True)[KEPT:]
    HookMessage.objects.filter(pk__in=list(old)).delete()


def _put_off(hook: Hook, message: HookMessage, claimant: str, now: datetime) -> None:
    """Tried again after 1, 2, 4 ... minutes; stopped once it has failed for days, or has said that it is gone."""
    hook.failing_since = hook.failing_since or now
    said = f"It answered {message.status}." if message.status else message.answer
    if message.status == _GONE or hook.has_failed_too_long(now):
        _stop(hook, claimant, said)
        return
    Hook.objects.filter(pk=hook.pk, claimed_by=claimant).update(
        failing_since=hook.failing_since,
        not_before=now + wait_after(hook.attempts),
        leased_until=None,
        claimed_by="",
        reason=said[:300],
    )


def _stop(hook: Hook, claimant: str, said: str) -> None:
    """Who made it and the project hear of it, once."""
    stopped = {"state": Hook.State.STOPPED, "reason": said[:300], "leased_until": None, "claimed_by": ""}
    with transaction.atomic():
        if not Hook.objects.filter(pk=hook.pk, claimed_by=claimant).update(**stopped):
            return
        events.hook_stopped(hook, said)
        slot = f"{hook.failing_since:%Y-%m-%dT%H:%M:%S}"
        for address in dict.fromkeys([hook.created_by.email, hook.project.contact_email]):
            queue_notice("hook-stopped", address, subject_id=hook.pk, slot=slot)
