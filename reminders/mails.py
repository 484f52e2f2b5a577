"""What the mails of this room say, decided when they are sent: whoever took the data meanwhile is not reminded."""

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.models import Notice, Project
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text, minute_text
from reminders.due import allowed_from
from reminders.models import ReminderPolicy
from reminders.services.copies import addresses_of, day_in
from reminders.services.policies import policy_at_hand, policy_of, policy_row
from reminders.services.slots import REMINDER
from reminders.services.still_due import Unfetched
from sharing.links import address_of
from sharing.models import ShareLink, Way
from sharing.wording import sender_of

LISTED = 100
WENT_OUT = (Notice.State.SENT, Notice.State.UNCERTAIN)


def reminder(notice: Notice, unfetched: Unfetched | None) -> Mail | None:
    """To a recipient who has taken nothing. No longer needed once they took something or the link is over.

    What was held up, by a mail server say, keeps to the project's quiet hours too.
    """
    url = address_of(unfetched.link) if unfetched else None
    if unfetched is None or url is None:
        return None
    link = unfetched.link
    policy = policy_at_hand(link.dataset.project)
    context = {
        **_about(unfetched, policy, notice.as_of),
        "why_not_longer": unfetched.until.why,
        "url": url,
        "zip_url": zip_address(link, url),
        "words": policy.words,
        "has_it_url": f"{url}/i-have-it",
        "not_me_url": f"{url}/not-me",
    }
    reply_to = [link.dataset.project.contact_email]
    unsubscribe, not_before = f"{url}/no-reminders", _not_before(notice, policy)
    return Mail("reminder", context, reply_to=reply_to, unsubscribe=unsubscribe, not_before=not_before)


def reminder_copy(notice: Notice, unfetched: Unfetched | None) -> Mail | None:
    """To an operator: that somebody was reminded, and so not before them. Holds no link to the data."""
    if unfetched is None:
        return None
    link = unfetched.link
    address = settings.PORTAL_URL + link.dataset.get_absolute_url()
    policy = policy_at_hand(link.dataset.project)
    about = _about(unfetched, policy, notice.as_of)
    about["facts"] = [*about["facts"], ("Shared", minute_text(link.starts_at))]
    return Mail(
        "reminder-copy",
        {**about, "dataset_url": address},
        preferences=about["policy_url"],
        not_before=_not_before(notice, policy),
    )


def reminder_digest(notice: Notice) -> Mail | None:
    """To an operator, the next morning: who was reminded on one day, and first whose reminder did not arrive. No longer
    needed when the project wants none, or nobody needed theirs."""
    project = Project.objects.get(pk=notice.subject_id)
    policy = policy_row(project)
    if not policy.copies_daily and not notice.is_sent:
        return None
    begins, ends = day_in(project.zone, date.fromisoformat(notice.slot))
    reminders = (
        Notice.objects.filter(kind=REMINDER, dataset__project=project, created_at__gte=begins, created_at__lt=ends)
        .exclude(state=Notice.State.DROPPED)
        .select_related("dataset__project")
        .order_by("pk")
    )
    mine = [one for one in reminders.iterator() if one.dataset and notice.to in addresses_of(one.dataset, policy)]
    if not mine:
        return None
    reached = [one for one in mine if one.state in WENT_OUT]
    others = [one for one in mine if one.state not in WENT_OUT]
    context = {
        "project": project,
        "policy_url": _policy_address(project),
        "day": f"{begins:%A %-d %B %Y}",
        "rows": [(one, settings.PORTAL_URL + _dataset_path(one)) for one in [*others, *reached][:LISTED]],
        "count": counted(len(reached), "person was,people were") if reached else "Nobody was",
        "others": counted(len(others), "reminder has,reminders have") if others else "",
        "more": max(0, len(mine) - LISTED),
    }
    return Mail("reminder-digest", context, [project.contact_email], preferences=_policy_address(project))


def _dataset_path(reminder: Notice) -> str:
    return reminder.dataset.get_absolute_url() if reminder.dataset else ""


def _not_before(notice: Notice, policy: ReminderPolicy) -> datetime:
    return allowed_from(notice.as_of, policy_of(policy))


def zip_address(link: ShareLink, url: str) -> str:
    """Empty where the link does not allow it, or its password would have to be said first."""
    return "" if link.password_hash or Way.ZIP not in link.ways else f"{url}/{link.dataset.name}.zip"


def _about(unfetched: Unfetched, policy: ReminderPolicy, now: datetime) -> dict[str, Any]:
    link, dataset = unfetched.link, unfetched.link.dataset
    files = f"{counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}"
    until = day_text(unfetched.until.at)
    return {
        "link": link,
        "dataset": dataset,
        "sender": sender_of(link),
        "source": dataset.instrument.name if dataset.instrument else dataset.project.name,
        "until": until,
        "so_far": _so_far(link, now),
        "what_ends": "something" if policy.partial_is_used else "everything",
        "policy_url": _policy_address(dataset.project),
        "how_often": how_often(policy),
        "contact": dataset.project.contact_email,
        "facts": [("What", dataset.title), ("From", sender_of(link)), ("Files", files), ("Until", until)],
    }


def _so_far(link: ShareLink, now: datetime) -> str:
    partly = link.first_taken_at is not None and link.first_taken_at <= now
    return "A part of them was fetched" if partly else "Nothing of them was fetched yet"


def _policy_address(project: Project) -> str:
    return settings.PORTAL_URL + reverse("project_reminders", args=[project.code])


def how_often(policy: ReminderPolicy) -> str:
    """As the rest of a sentence: "comes every week"."""
    if policy.days:
        *others, last = map(str, policy.days)
        listed = f"{', '.join(others)} and {last}" if others else last
        return f"{listed} {'day' if listed == '1' else 'days'} before the link ends"
    return {1: "every day", 7: "every week", 14: "every two weeks"}.get(
        policy.every_days, f"every {policy.every_days} days"
    )
