"""What becomes of a request for more time: granted or refused, once, and the recipient is told."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from portal.access import may_send
from portal.actors import Actor
from portal.errors import Invalid
from portal.models import Project, User
from portal.outbox import queue_notice
from portal.templatetags.times import day_text
from sharing import events
from sharing.errors import AlreadyAnswered, LinkRevoked, NotReleased
from sharing.models import LONGEST_DAYS, RenewalRequest, ShareLink
from sharing.services.data_ends import within_data

How = RenewalRequest.How
State = RenewalRequest.State
MOST_WORDS = 1000


def give_more_time(*, request: RenewalRequest, days: int, actor: Actor, how: How, now: datetime) -> RenewalRequest:
    """The same link works again, for `days` from `now`, or until its data are deleted.

    Raises Invalid, AlreadyAnswered, NotReleased, LinkRevoked, and Conflict when the data go at once.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"Give 1 to {LONGEST_DAYS} days.", fields=[_wrong("days", f"Give 1 to {LONGEST_DAYS} days.")])
    with transaction.atomic():
        link, locked = _locked(request)
        grant(locked, link, within_data(link, now + timedelta(days=days), now), actor, how, now)
        events.more_time_given(locked, actor)
    return locked


def refuse_more_time(*, request: RenewalRequest, words: str, actor: Actor, how: How, now: datetime) -> RenewalRequest:
    """`words` are for the recipient, perhaps none. Raises Invalid, AlreadyAnswered, NotReleased, LinkRevoked."""
    if len(words) > MOST_WORDS:
        raise Invalid(f"Say it in at most {MOST_WORDS} characters.", fields=[_wrong("words", "Say it in fewer words.")])
    with transaction.atomic():
        link, locked = _locked(request)
        _answer(locked, State.REFUSED, actor, how, now)
        locked.words = words.strip()
        locked.save()
        queue_notice("more-time-refused", link.recipient, subject_id=locked.pk, slot="answered", dataset=link.dataset)
        events.more_time_refused(locked, actor)
    return locked


def may_answer_by_mail(address: str, project: Project) -> bool:
    """Whether this is still the address of somebody who may share: of a member, of the project, or of no account.

    Cost: at most two queries.
    """
    person = User.objects.filter(email=address.lower()).first()
    return person is None or may_send(person, project) or (person.is_active and address == project.contact_email)


def grant(request: RenewalRequest, link: ShareLink, until: datetime, actor: Actor, how: How, now: datetime) -> None:
    """In a transaction of the caller's, with the link locked; the audit is the caller's too."""
    link.expires_at, link.expiry_noted_at = until, None
    link.save(update_fields=["expires_at", "expiry_noted_at"])
    _answer(request, State.GRANTED, actor, how, now)
    request.until = until
    request.save()
    slot = f"renewal:{request.pk}"  # about the link, as the other mails that bring it
    queue_notice("more-time-given", link.recipient, subject_id=link.pk, slot=slot, dataset=link.dataset)


def note_given(link_ids: Collection[int], *, until: datetime, actor: Actor, now: datetime) -> None:
    """Somebody made the links longer without looking at what was asked: whoever waits has what they wanted."""
    waiting = RenewalRequest.objects.waiting().filter(link__in=link_ids)
    waiting.update(state=State.GRANTED, answered_at=now, answered_by=actor.label, how=How.MEMBER, until=until)


def _answer(request: RenewalRequest, state: State, actor: Actor, how: How, now: datetime) -> None:
    request.state, request.answered_at, request.answered_by, request.how = state, now, actor.label, how


def _locked(request: RenewalRequest) -> tuple[ShareLink, RenewalRequest]:
    """The link first, as everywhere: two answers at once follow each other."""
    links = ShareLink.objects.select_for_update(of=("self",)).select_related("dataset__project", "created_by")
    link = links.get(pk=request.link_id)
    locked = RenewalRequest.objects.get(pk=request.pk)
    locked.link = link
    if locked.state != State.WAITING:
        raise AlreadyAnswered(_said(locked))
    if link.revoked_at is not None:
        raise LinkRevoked("The link was revoked, for good. Share the dataset again.")
    if not link.dataset.may_be_shared:
        raise NotReleased("The data of this link are no longer kept. Nothing can be downloaded with it.")
    return link, locked


def _said(request: RenewalRequest) -> str:
    if request.state == State.REFUSED:
        return f"{request.answered_by} has refused it already. The link can still be given a later day on its page."
    until = f" until {day_text(request.until)}" if request.until else ""
    return f"{request.answered_by} has given more time already{until}. There is nothing left to do."


def _wrong(field: str, message: str) -> dict[str, str]:
    return {"field": field, "message": message}
