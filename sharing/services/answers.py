"""A recipient says that they have the data, or that these are not theirs: then nobody reminds them."""

from datetime import datetime

from django.db import transaction

from portal.access import may_send
from portal.actors import Actor
from portal.outbox import new_notice, queue_notices
from sharing import events
from sharing.models import ShareLink
from sharing.services.telling import operators_of


def note_answer(*, link: ShareLink, answer: ShareLink.Answer, actor: Actor, now: datetime) -> bool:
    """Whether this is news. Who is the wrong person is told of to whoever shared it, once."""
    with transaction.atomic():
        others = ShareLink.objects.filter(pk=link.pk).exclude(answer=answer)
        if not others.update(answer=answer, answered_at=now):
            return False
        link.answer, link.answered_at = answer, now
        if answer == ShareLink.Answer.NOT_THEIRS:
            queue_notices(
                new_notice("not-theirs", address, subject_id=link.pk, slot="answered", dataset=link.dataset)
                for address in _those_who_shared_it(link)
            )
        events.link_answered(link, actor)
    return True


def _those_who_shared_it(link: ShareLink) -> list[str]:
    """The person, if they may still do something about it; else whoever is told of downloads."""
    person = link.created_by
    return [person.email] if person and may_send(person, link.dataset.project) else operators_of(link.dataset)
