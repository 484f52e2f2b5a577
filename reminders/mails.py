"""What the mails of this room say, decided when they are sent: whoever took the data meanwhile is not reminded."""

from typing import Any

from django.conf import settings

from portal.models import Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text, minute_text
from reminders.services.slots import links_to_remind
from sharing.links import address_of
from sharing.models import ShareLink
from sharing.wording import sender_of


def reminder(notice: Notice) -> Mail | None:
    """To a recipient who has taken nothing. No longer needed once they took something or the link is over."""
    link = _link_of(notice)
    url = address_of(link) if link else None
    if link is None or url is None:
        return None
    context = {**_about(link), "url": url, "zip_url": f"{url}/{link.dataset.name}.zip"}
    return Mail("reminder", context, reply_to=[link.dataset.project.contact_email])


def reminder_copy(notice: Notice) -> Mail | None:
    """To an operator: that somebody was reminded. Holds no link to the data."""
    link = _link_of(notice)
    if link is None:
        return None
    address = settings.PORTAL_URL + link.dataset.get_absolute_url()
    about = _about(link)
    about["facts"] = [*about["facts"], ("Shared", minute_text(link.starts_at))]
    return Mail("reminder-copy", {**about, "dataset_url": address})


def _link_of(notice: Notice) -> ShareLink | None:
    links = ShareLink.objects.all() if notice.is_sent else links_to_remind(notice.as_of)
    related = links.select_related("dataset__project", "dataset__instrument", "created_by")
    return related.filter(pk=notice.subject_id).first()


def _about(link: ShareLink) -> dict[str, Any]:
    dataset = link.dataset
    files = f"{counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}"
    until = day_text(link.expires_at)
    return {
        "link": link,
        "dataset": dataset,
        "sender": sender_of(link),
        "source": dataset.instrument.name if dataset.instrument else dataset.project.name,
        "until": until,
        "how_often": how_often(dataset.project.reminder_days),
        "contact": dataset.project.contact_email,
        "facts": [("What", dataset.title), ("From", sender_of(link)), ("Files", files), ("Until", until)],
    }


def how_often(days: int) -> str:
    return {1: "every day", 7: "every week", 14: "every two weeks"}.get(days, f"every {days} days")
