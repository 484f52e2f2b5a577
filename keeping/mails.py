"""What the mails of this room say; `settings.MAILS` names the functions."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from keeping.answer_links import answer_address
from keeping.calendar import deletion_entry
from keeping.models import AskedPerson, RetentionClass
from keeping.services.facts import situation_of
from keeping.services.keepings import extension_of
from portal.models import Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text
from sharing.links import address_of
from sharing.models import ShareLink


def stored_damaged(notice: Notice) -> Mail | None:
    """Stored bytes are no longer what was verified. None when the dataset is gone."""
    dataset = notice.dataset
    if dataset is None:
        return None
    files, count = notice.context["files"], notice.context["count"]
    context = {
        "dataset": dataset,
        "files": files,
        "count": count,
        "more": count - len(files),
        "store": notice.context["store"],
        "url": f"{settings.PORTAL_URL}{dataset.get_absolute_url()}?state=corrupt#files",
    }
    return Mail("stored-damaged", context)


def deletion_warning(notice: Notice) -> Mail | None:
    """To a manager, the owner, or a recipient who has not fetched everything; with a calendar entry.

    No longer needed once the dataset is held, put off or deleted, or the recipient has everything.
    """
    found = AskedPerson.objects.select_related("keeping__dataset__project", "keeping__dataset__instrument")
    asked = found.filter(pk=notice.subject_id).first()
    url = _place_to_answer(asked) if asked else None
    if asked is None or url is None:
        return None
    keeping, dataset = asked.keeping, asked.keeping.dataset
    situation = situation_of(keeping)
    on = keeping.deletion_at
    if not notice.is_sent and (on is None or keeping.is_held or dataset.is_gone or not _is_for(notice, on)):
        return None
    if not notice.is_sent and asked.role == AskedPerson.Role.RECIPIENT and asked.email not in situation.without:
        return None
    manages = asked.role == AskedPerson.Role.MANAGER
    until, _ = extension_of(keeping, now=notice.as_of, manages=manages)
    day = day_text(on) if on else ""
    context = {
        "dataset": dataset,
        "day": day,
        "source": dataset.instrument.name if dataset.instrument else dataset.project.name,
        "url": url,
        "role": asked.role,
        "fetch_url": _place_to_fetch(asked, notice.as_of),
        "until": day_text(until) if until else "",
        "why": _why(situation.retention),
        "contact": dataset.project.contact_email,
        "restorable": counted(situation.retention.grace_days, "day,days") if situation.retention else "",
        "facts": [
            ("What", dataset.title),
            ("Files", f"{counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}"),
            ("Deleted", day),
        ],
    }
    entry = [deletion_entry(dataset, on, url=url, now=notice.as_of)] if on else []
    return Mail("deletion-warning", context, reply_to=[dataset.project.contact_email], attachments=entry)


def _place_to_answer(asked: AskedPerson) -> str | None:
    """Managers sign in; whoever has no account has an address of their own."""
    if asked.role == AskedPerson.Role.MANAGER:
        return settings.PORTAL_URL + reverse("dataset_keeping", args=[asked.keeping.dataset_id])
    return answer_address(asked)


def _place_to_fetch(asked: AskedPerson, now: datetime) -> str:
    """The newest link by which a recipient can still take the data; empty when there is none."""
    if asked.role != AskedPerson.Role.RECIPIENT:
        return ""
    links = ShareLink.objects.open(now).filter(dataset=asked.keeping.dataset_id, recipient__iexact=asked.email)
    link = links.order_by("-pk").first()
    return (address_of(link) or "") if link else ""


def _is_for(notice: Notice, on: datetime) -> bool:
    """Of the day that still stands."""
    return notice.slot.startswith(f"{on:%Y-%m-%d}/")


def _why(retention: RetentionClass | None) -> str:
    if retention is None or retention.days is None:
        return ""
    return f"kept for {counted(retention.days, 'day,days')}, counted from {retention.get_counted_from_display()}"
