"""Hooks of a project: made, tried out, started again, removed. Messages are sent by `hook_calls`."""

from datetime import datetime

from django.db import transaction

from delivery import events
from delivery.models import Hook, HookMessage
from delivery.services.hook_calls import send_trial
from delivery.signatures import new_secret
from delivery.vault import lock_away
from delivery.web_calls import CallFailed, refuse_address
from portal.actors import Actor
from portal.errors import Conflict, Invalid, NotSignedIn
from portal.models import Project
from portal.queue import enqueue

MOST = 5  # of a project: each is told of each file

State = Hook.State


def make_hook(*, project: Project, url: str, actor: Actor) -> tuple[Hook, str]:
    """The hook and the secret that signs its messages, which is never shown again. Raises Invalid."""
    if actor.user is None:
        raise NotSignedIn("Sign in to make a hook.")
    try:
        refuse_address(url)
    except CallFailed as error:
        raise Invalid(str(error), fields=[{"field": "url", "message": str(error)}]) from error
    secret = new_secret()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        if Hook.objects.usable().filter(project=project).count() >= MOST:
            raise Invalid(f"A project has at most {MOST} hooks. Remove one first.")
        locked = lock_away({"secret": secret})
        hook = Hook.objects.create(project=project, url=url, locked=locked, created_by=actor.user)
        events.hook_made(hook, actor)
    return hook, secret


def remove_hook(*, hook: Hook, actor: Actor, now: datetime) -> bool:
    """What waits is told to nobody. False when it was removed before."""
    with transaction.atomic():
        if not Hook.objects.usable().filter(pk=hook.pk).update(state=State.REMOVED, removed_at=now, locked=""):
            return False
        hook.files_to_tell.all().delete()
        hook.messages.all().delete()
        events.hook_removed(hook, actor)
    return True


def start_again(*, hook: Hook, actor: Actor) -> bool:
    """What waited when it stopped is told now. False when it was not stopped."""
    fresh = {"state": State.ACTIVE, "reason": "", "failing_since": None, "attempts": 0, "not_before": None}
    with transaction.atomic():
        if not Hook.objects.filter(pk=hook.pk, state=State.STOPPED).update(**fresh):
            return False
        events.hook_started(hook, actor)
        enqueue("delivery.tasks.hook_task")
    return True


def try_out_hook(*, hook: Hook, now: datetime) -> HookMessage:
    """What came back stands in it. Raises Conflict for a hook that was removed."""
    if hook.state == State.REMOVED:
        raise Conflict("The hook was removed. Make a new one.")
    return send_trial(hook, now)
