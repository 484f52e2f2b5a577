"""What of this room needs a person now, for the home page."""

from datetime import datetime, timedelta

from portal.access import visible_projects
from portal.models import User
from portal.needs import SHOWN, Need
from portal.templatetags.times import relative_text
from sharing.models import ShareLink

ENDS_SOON = timedelta(days=7)


def links_ending_untaken(person: User, now: datetime) -> list[Need]:
    """Links that end within a week and with which nothing was taken. Cost: one query."""
    links = (
        ShareLink.objects.open(now)
        .untaken()
        .filter(expires_at__lte=now + ENDS_SOON, dataset__project__in=visible_projects(person))
        .select_related("dataset")
        .order_by("expires_at")
    )
    return [_need(link, now) for link in links[:SHOWN]]


def _need(link: ShareLink, now: datetime) -> Need:
    ends = relative_text((link.expires_at - now).total_seconds())
    return Need(
        link.state,
        link.dataset.title,
        link.dataset.get_absolute_url(),
        f"{link.recipient} has taken nothing and the link ends {ends}. Remind them or share it again for longer.",
        "See the links",
    )
