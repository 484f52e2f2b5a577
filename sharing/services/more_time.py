"""A recipient comes too late and asks for more time: it is given at once, or those who can give it are told once."""

from datetime import datetime, timedelta
from math import ceil

from django.db import transaction

from portal.access import may_send
from portal.actors import SYSTEM, Actor
from portal.errors import Conflict
from portal.outbox import new_notice, queue_notices
from sharing import events
from sharing.models import RenewalPolicy, RenewalRequest, ShareLink, policy_of
from sharing.services.data_ends import within_data
from sharing.services.renewals import grant, may_answer_by_mail
from sharing.services.telling import operators_of

How = RenewalRequest.How


def ask_for_more_time(*, link: ShareLink, actor: Actor, now: datetime) -> RenewalRequest | None:
    """The one request of this end of `link`, perhaps granted already; None when more time would be of no use."""
    if not link.may_be_renewed(now):
        return None
    with transaction.atomic():
        locked = ShareLink.objects.select_for_update(of=("self",)).select_related("dataset__project", "created_by")
        link = locked.get(pk=link.pk)
        if not link.may_be_renewed(now):  # given more time or revoked in between
            return None
        request, is_new = RenewalRequest.objects.get_or_create(
            link=link, ended_at=link.expires_at, defaults={"asked_by": link.recipient, "asked_at": now}
        )
        if is_new:
            _answer_or_tell(request, link, now)
            events.more_time_asked(link, actor)
            if request.state == RenewalRequest.State.GRANTED:
                events.more_time_given(request, SYSTEM)
    return request


def days_given_at_once(link: ShareLink, now: datetime) -> int:
    """How many, were they asked for now, the last perhaps not a whole one; 0 when somebody has to decide.

    Cost: two queries, and where it is given at once what `data_end` costs.
    """
    until = _given_at_once(policy_of(link.dataset.project), link, now)
    return ceil((until - now) / timedelta(days=1)) if until else 0


def _given_at_once(policy: RenewalPolicy, link: ShareLink, now: datetime) -> datetime | None:
    """Until when; None when somebody has to decide, who may also have the data kept longer."""
    if not policy.gives_at_once(link.renewal_requests.filter(how=How.AT_ONCE).count()):
        return None
    try:
        return within_data(link, now + policy.lifetime, now)
    except Conflict:
        return None


def _answer_or_tell(request: RenewalRequest, link: ShareLink, now: datetime) -> None:
    policy = policy_of(link.dataset.project)
    if until := _given_at_once(policy, link, now):
        grant(request, link, until, SYSTEM, How.AT_ONCE, now)
        return
    request.asked_of = _those_who_can_give_it(link)
    request.save(update_fields=["asked_of"])
    queue_notices(
        new_notice("more-time-asked", address, subject_id=request.pk, slot="asked", dataset=link.dataset)
        for address in request.asked_of
    )


def _those_who_can_give_it(link: ShareLink) -> list[str]:
    """Who shared it, if that person may still do so; else those told of downloads who may, or the project."""
    person, project = link.created_by, link.dataset.project
    if person and may_send(person, project):
        return [person.email]
    told = [address for address in operators_of(link.dataset) if may_answer_by_mail(address, project)]
    return told or [project.contact_email]
