"""The storage report by mail: to each of the staff who wants it, once a day or once a week."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from textwrap import fill

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from portal.models import DiskDay, Notice, User
from portal.outbox import Mail, new_notice, queue_notices
from portal.storage_report import StorageReport, storage_report
from portal.storage_sections import Cell, Section
from portal.storage_stores import NOTHING
from portal.templatetags.states import state_word

KIND = "storage-report"
HOUR = time(7)  # of the portal's zone
MOST_ROWS = 10  # of a table; the page has more


def queue_storage_reports(now: datetime) -> None:
    """Queues the mails whose time has come. Safe to do twice, and twice at once.

    Who joins the staff later is mailed the next one, and so is everybody of a portal that was not there yet, or that
    slept: it sends one, not one for each that it missed. Cost: two queries, mostly.
    """
    if settings.STORAGE_REPORT == "never":
        return
    day = slot_day(settings.STORAGE_REPORT, now)
    began = timezone.make_aware(datetime.combine(day, HOUR), timezone.get_default_timezone())
    there = Notice.objects.filter(kind=KIND, subject_id=settings.STORAGE_REPORT, slot=day.isoformat())
    if there.exists() or not DiskDay.objects.filter(measured_at__lt=began).exists():
        return
    queue_notices(
        new_notice(KIND, email, subject_id=settings.STORAGE_REPORT, slot=day.isoformat())
        for email in _readers().values_list("email", flat=True)
    )


def slot_day(how_often: str, now: datetime) -> date:
    """The day of the newest report that is due: today, or this week's Monday, from seven in the morning on."""
    local = now.astimezone(timezone.get_default_timezone())
    day = local.date() if local.time() >= HOUR else local.date() - timedelta(days=1)
    return day - timedelta(days=day.weekday()) if how_often == "weekly" else day


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table in words; ``text`` is the same for the text part, in short lines."""

    name: str
    words: str
    text: str


def storage_report_mail(notice: Notice) -> Mail | None:
    """As it is when it is sent. None for somebody who is no staff any more, or wants none."""
    if not _readers().filter(email=notice.to).exists():
        return None
    report = storage_report(notice.as_of)
    context = {
        "free": _value(report, "Disk free"),
        "full": _value(report, "Full"),
        "facts": [
            (figure.label, f"{figure.value} ({figure.note})" if figure.note else figure.value)
            for figure in report.figures
        ],
        "sections": [_in_words(section) for section in report.sections if section.rows],
        "how_often": notice.subject_id,
        "url": settings.PORTAL_URL + reverse("staff_storage"),
    }
    return Mail(KIND, context, preferences=f"{context['url']}#mail")


def _value(report: StorageReport, label: str) -> str:
    """Of the portal's own disk; empty when it could not be measured."""
    return next((figure.value for figure in report.figures if figure.label == label), "")


def _readers() -> QuerySet[User]:
    return User.objects.filter(is_staff=True, is_active=True, gets_storage_report=True)


def _in_words(section: Section) -> dict[str, object]:
    rows = [_row(row) for row in section.named_rows[:MOST_ROWS]]
    more = section.more + max(0, len(section.rows) - MOST_ROWS)
    return {"title": section.title, "lead": section.lead, "text": fill(section.lead, 72), "rows": rows, "more": more}


def _row(row: list[tuple[str, bool, Cell]]) -> Row:
    (_, _, first), *others = row
    name = f"{first.text} ({state_word(first.state)})" if first.state else first.text
    words = "; ".join(f"{column.lower()}: {cell.text}" for column, _, cell in others if cell != NOTHING)
    return Row(name, words, fill(words, 72, initial_indent="  ", subsequent_indent="  "))
