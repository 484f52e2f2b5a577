"""What the mails of this room say; `settings.MAILS` names the functions."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from keeping.answer_links import address_to_fetch, answer_address
from keeping.calendar import deletion_entry
from keeping.due import deletion_at, warning_due
from keeping.models import AskedPerson, Keeping, RetentionClass
from keeping.services.facts import Situation, situation_of
from keeping.services.keepings import extension_of
from keeping.services.telling import slot_of_deletion
from portal.models import Dataset, Notice
from portal.outbox import Mail
from portal.templatetags.quantities import counted, size_text
from portal.templatetags.times import day_text


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
    situation = situation_of(asked.keeping)
    if not notice.is_sent and not _is_needed(notice, asked, situation):
        return None
    on, project = asked.keeping.deletion_at, asked.keeping.dataset.project
    entry = [deletion_entry(asked.keeping.dataset, on, url=url, now=notice.as_of)] if on else []
    context = {"url": url, "contact": project.contact_email, **_about(asked, situation, notice.as_of)}
    return Mail("deletion-warning", context, reply_to=[project.contact_email], attachments=entry)


def dataset_deleted(notice: Notice) -> Mail | None:
    """To those who decide: who or what deleted it, and until when it can be restored. None once it was restored."""
    found = Keeping.objects.select_related("dataset__project").filter(pk=notice.subject_id).first()
    if found is None or not (notice.is_sent or (found.deleted_at and slot_of_deletion(found) == notice.slot)):
        return None
    dataset, said = found.dataset, notice.context
    until = datetime.fromisoformat(said["until"])
    context = {
        "dataset": dataset,
        "role": said["role"],
        "who": f"{said['by']} deleted it by hand."
        if said["by_hand"]
        else f"The portal deleted it by the clock ({said['reason']}).",
        "until": day_text(until),
        "restorable": found.purge_began_at is None and notice.as_of < until,
        "contact": dataset.project.contact_email,
        "url": _page_of(dataset),
        "facts": [*_what(dataset), ("Name", dataset.name)],
    }
    return Mail("dataset-deleted", context, reply_to=[dataset.project.contact_email])


def _is_needed(notice: Notice, asked: AskedPerson, situation: Situation) -> bool:
    """The day that it tells of still stands, no later warning has its time, and a recipient still lacks something.

    A mail that comes too late for its notice is not needed either: the next look has another one, of a later day.
    """
    facts, policy, now = situation.facts, situation.policy, notice.as_of
    on = deletion_at(facts, policy, now)
    day, mark = notice.slot.split("/")
    if on is None or on <= now or asked.keeping.dataset.is_gone or day != f"{on:%Y-%m-%d}":
        return False
    if (due := warning_due(facts, policy, now)) and due < int(mark):
        return False
    return asked.role != AskedPerson.Role.RECIPIENT or asked.email in situation.without


def _about(asked: AskedPerson, situation: Situation, now: datetime) -> dict[str, Any]:
    keeping, dataset, retention = asked.keeping, asked.keeping.dataset, situation.retention
    manages = asked.role == AskedPerson.Role.MANAGER
    until, _ = extension_of(keeping, now=now, manages=manages, situation=situation)
    day = day_text(keeping.deletion_at) if keeping.deletion_at else ""
    return {
        "dataset": dataset,
        "day": day,
        "source": dataset.instrument.name if dataset.instrument else dataset.project.name,
        "role": asked.role,
        "fetch_url": address_to_fetch(asked, now),
        "until": day_text(until) if until else "",
        "why": _why(retention),
        "restorable": counted(retention.grace_days, "day,days") if retention else "",
        "manage_url": _page_of(dataset) if manages else "",
        "facts": [*_what(dataset), ("Deleted", day)],
    }


def _what(dataset: Dataset) -> list[tuple[str, str]]:
    files = f"{counted(dataset.verified_count, 'file,files')}, {size_text(dataset.bytes_verified)}"
    return [("What", dataset.title), ("Files", files)]


def _place_to_answer(asked: AskedPerson) -> str | None:
    """An address of their own; managers can also sign in."""
    manages = asked.role == AskedPerson.Role.MANAGER
    return answer_address(asked) or (_page_of(asked.keeping.dataset) if manages else None)


def _page_of(dataset: Dataset) -> str:
    return settings.PORTAL_URL + reverse("dataset_keeping", args=[dataset.pk])


def _why(retention: RetentionClass | None) -> str:
    if retention is None or retention.days is None:
        return ""
    return f"kept for {counted(retention.days, 'day,days')}, counted from {retention.get_counted_from_display()}"
