"""The one door to shared bytes: every address below `/s/` asks here first, at every request."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from portal.access import MAY_SEND, visible_datasets
from portal.actors import Actor
from portal.client_address import client_address
from portal.link_passwords import Lock, is_unlocked
from portal.models import Dataset, Membership, User
from portal.templatetags.quantities import counted
from portal.templatetags.times import day_text
from sharing import links
from sharing.errors import (
    DataDeleted,
    LinkExpired,
    LinkNotYetOpen,
    LinkRevoked,
    LinkStopped,
    LinkUnknown,
    PasswordWanted,
    WayClosed,
)
from sharing.models import RenewalRequest, ShareLink, Way
from sharing.models.links import ShareLinkQuerySet
from sharing.services.more_time import days_given_at_once

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

_ANSWERED: dict[str, str] = {
    RenewalRequest.State.WAITING: "More time was asked for; the answer comes by mail.",
    RenewalRequest.State.GRANTED: "More time was given.",
    RenewalRequest.State.REFUSED: "More time was asked for and could not be given.",
}


def authorise(token: str, now: datetime) -> ShareLink:
    """The link that `token` opens at `now`, with its dataset, project and owner. Cost: one query.

    Raises LinkUnknown, LinkRevoked, LinkExpired, LinkNotYetOpen, LinkStopped or DataDeleted.
    """
    link = find_link(token)
    contact = link.dataset.project.contact_email
    detail = {"contact": contact, "title": link.dataset.title}
    if link.revoked_at is not None:
        raise LinkRevoked(
            f"It was ended by the people who sent it. Ask {contact} if you still need the data.", **detail
        )
    _require_data(link.dataset, contact, detail)
    if link.expires_at <= now:
        said, more = _more_time(token, link, now)
        raise LinkExpired(f"It worked until {day_text(link.expires_at)}. {said}", **detail, **more)
    if link.starts_at > now:
        raise LinkNotYetOpen(f"It works from {day_text(link.starts_at)} on. Come back then.", **detail)
    if link.is_stopped:
        raise LinkStopped(f"The person who sent it no longer works here. Ask {contact} for a new one.", **detail)
    return link


def _require_data(dataset: Dataset, contact: str, detail: dict[str, Any]) -> None:
    """Also of a link that ended before them: that more time is of no use is what its recipient has to know."""
    if dataset.state == Dataset.State.EXPIRED:
        raise DataDeleted(f"For a while they can be restored. Write to {contact} at once if you need them.", **detail)
    if dataset.is_gone:
        raise DataDeleted(f"They were kept for a limited time. Ask {contact} whether a copy exists.", **detail)


def admit(request: HttpRequest, token: str, now: datetime, way: Way | None = None) -> ShareLink:
    """As :func:`authorise`, and the request has said the link's password and may take data in this `way`.

    Raises PasswordWanted, TooManyRequests, WayClosed besides. Cost: no further query.
    """
    link = authorise(token, now)
    if not is_unlocked(request, lock_of(link)):
        raise PasswordWanted("Give the link's password, with any user name. Whoever sent you the link knows it.")
    if way is not None and way not in link.ways:
        open_ways = " or ".join(Way(name).label for name in link.ways)
        contact = link.dataset.project.contact_email
        raise WayClosed(
            f"Data of this link can be taken {open_ways}. Ask {contact} if you need them in another way.",
            contact=contact,
            title=link.dataset.title,
        )
    return link


def lock_of(link: ShareLink) -> Lock:
    return Lock(f"share:{link.pk}", link.password_hash)


def _more_time(token: str, link: ShareLink, now: datetime) -> tuple[str, dict[str, Any]]:
    """What is said of more time: what came of asking since the end, or where to ask, and if it is given at once.

    Cost: at most three queries.
    """
    if not link.may_be_renewed(now):
        return f"Write to {link.dataset.project.contact_email} if you still need the data.", {}
    asked = link.renewal_requests.filter(ended_at=link.expires_at).first()
    if asked is not None:
        return _ANSWERED[asked.state], {"more_time_state": asked.state, "more_time_words": asked.words}
    days = days_given_at_once(link, now)
    said = f"You can have {counted(days, 'more day,more days')} at once." if days else "You can ask for more time."
    return f"{said} The same link then works again.", {
        "more_time": reverse("ask_more_time", args=[token]),
        "more_time_days": days,
    }


def visible_links(user: "User | AnonymousUser") -> QuerySet[ShareLink]:
    """Links of datasets that this person may see."""
    return ShareLink.objects.filter(dataset__in=visible_datasets(user)).select_related("dataset__project", "created_by")


def links_to_send(user: User) -> ShareLinkQuerySet:
    """Links of projects where this person may send, so that they may also change them."""
    if user.is_staff:
        return ShareLink.objects.all()
    mine = Membership.objects.filter(user=user, role__in=MAY_SEND)
    return ShareLink.objects.filter(dataset__project__in=mine.values("project"))


def link_of_member(dataset: Dataset, actor: Actor, now: datetime) -> ShareLink | None:
    """The newest link that works by which a member was sent `dataset` besides: what they take without it counts as
    taken with it, so that nobody reminds them. None where that would use up a limited link. Cost: one query.
    """
    if actor.user is None:
        return None
    theirs = ShareLink.objects.open(now).filter(dataset=dataset, recipient=actor.user.email.lower())
    return theirs.filter(most_downloads=None).select_related("dataset__project", "created_by").order_by("-pk").first()


def recipient_actor(request: HttpRequest, link: ShareLink) -> Actor:
    """Whoever holds the link, named by the address it was sent to."""
    client = request.headers.get("User-Agent", "")[:200]
    return Actor("recipient", str(link.pk), link.recipient, client_address(request), client)


def find_link(token: str) -> ShareLink:
    """The link of `token`, whether it still works or not. Raises LinkUnknown."""
    parts = links.split_token(token)
    if parts:
        found = ShareLink.objects.select_related("dataset__project", "dataset__instrument", "created_by")
        link = found.filter(public_id=parts[0]).first()
        if link and links.opens(link, parts[1]):
            return link
    raise LinkUnknown("Check that the address was copied whole; a mail program may have cut it at the end of a line.")
