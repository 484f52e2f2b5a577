"""What those who were warned say: keep it longer, or it may be deleted."""

from datetime import datetime

from django.db import transaction

from keeping import events
from keeping.models import AskedPerson, Keeping
from keeping.services.keepings import extend
from portal.actors import Actor
from portal.errors import Conflict
from portal.queue import enqueue

Answer = AskedPerson.Answer


def answer_keep(*, asked: AskedPerson, actor: Actor, now: datetime, offered: str = "") -> Keeping:
    """Kept longer, as far as the class of the dataset allows; managers may do that at any time. What they agreed to
    before counts no more. `offered`: see `extend`.

    Raises Conflict.
    """
    with transaction.atomic():
        manages = asked.role == AskedPerson.Role.MANAGER
        keeping = extend(dataset=asked.keeping.dataset, actor=actor, now=now, manages=manages, offered=offered)
        AskedPerson.objects.filter(pk=asked.pk).update(answer=Answer.KEEP, answered_at=now)
    return keeping


def answer_delete(*, asked: AskedPerson, actor: Actor, now: datetime) -> None:
    """They need it no more. Deleted early once everybody agreed, if its class says so. Raises Conflict."""
    with transaction.atomic():
        keeping = (
            Keeping.objects.select_for_update(of=("self",)).select_related("dataset__project").get(pk=asked.keeping_id)
        )
        if keeping.deleted_at is not None:
            raise Conflict("It was deleted already. There is nothing more to do.")
        said = AskedPerson.objects.filter(pk=asked.pk).exclude(answer=Answer.DELETE)
        if said.update(answer=Answer.DELETE, answered_at=now):
            Keeping.objects.filter(pk=keeping.pk).update(not_before=None)
            events.deletion_agreed(keeping, actor)
            enqueue("keeping.tasks.retention_task")
