"""What of this room needs a person now, for the home page."""

from datetime import datetime, timedelta

from django.urls import reverse

from portal.access import MAY_SEND, visible_projects
from portal.models import Membership, User
from portal.needs import SHOWN, Need
from portal.templatetags.times import relative_text
from sharing.models import RenewalRequest, ShareLink
from sharing.undelivered import links_not_delivered

ENDS_SOON = timedelta(days=7)


def links_ending_untaken(person: User, now: datetime) -> list[Need]:
    """Links that end within a week and with which nothing was taken, as far as anybody says. Cost: one query."""
    links = (
        ShareLink.objects.open(now)
        .untaken()
        .exclude(answer=ShareLink.Answer.HAS_IT)
        .filter(expires_at__lte=now + ENDS_SOON, dataset__project__in=visible_projects(person))
        .select_related("dataset")
        .order_by("expires_at")
    )
    return [_need(link, now) for link in links[:SHOWN]]


def mails_not_delivered(person: User, now: datetime) -> list[Need]:
    """Links whose recipients the mail did not reach, where this person may correct the address. Three queries."""
    return [
        Need(
            mail.state,
            link.dataset.title,
            link.dataset.get_absolute_url(),
            f"the mail to {link.recipient} did not arrive. {mail.reason}",
            "See the links",
        )
        for link, mail in list(links_not_delivered(person, now).items())[:SHOWN]
    ]


def more_time_asked_for(person: User, now: datetime) -> list[Need]:
    """Recipients who came too late and wait for an answer that this person may give. Cost: one query."""
    requests = RenewalRequest.objects.to_answer()
    if not person.is_staff:
        mine = Membership.objects.filter(user=person, role__in=MAY_SEND)
        requests = requests.filter(link__dataset__project__in=mine.values("project"))
    return [
        Need(
            request.state,
            request.link.dataset.title,
            f"{reverse('link_terms', args=[request.link_id])}#more-time",
            f"{request.asked_by} came too late and asked for more time "
            f"{relative_text((request.asked_at - now).total_seconds())}.",
            "Answer",
        )
        for request in requests.select_related("link__dataset").order_by("asked_at")[:SHOWN]
    ]


def _need(link: ShareLink, now: datetime) -> Need:
    ends = relative_text((link.expires_at - now).total_seconds())
    return Need(
        link.state,
        link.dataset.title,
        f"{reverse('link_terms', args=[link.pk])}#mails",
        f"{link.recipient} has taken nothing and the link ends {ends}. Mail them again, or give more time.",
        "See the link",
    )
