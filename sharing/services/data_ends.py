"""A link does not outlive its data: rooms that delete data by the clock say until when they are there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from portal.errors import Conflict
from portal.models import Dataset
from portal.templatetags.times import day_text
from sharing.models import ShareLink


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The data are deleted ``at`` that moment, as things stand. ``waits_for``: recipients, in lower case, for the end
    of whose links the deletion waits, so that theirs may end at any time."""

    at: datetime
    waits_for: frozenset[str] = frozenset()

    def cuts(self, recipient: str, until: datetime) -> bool:
        return until > self.at and recipient.lower() not in self.waits_for


DataEndFunction = Callable[[Dataset, datetime], DataEnd | None]


def data_end(dataset: Dataset, now: datetime) -> DataEnd | None:
    """The earliest that any room knows; None when nothing is deleted by the clock. ``settings.DATA_ENDS`` names
    functions (dataset, now) -> DataEnd or None. Cost: theirs."""
    functions: list[DataEndFunction] = [import_string(name) for name in settings.DATA_ENDS]
    ends = [end for function in functions if (end := function(dataset, now))]
    return min(ends, key=lambda end: end.at, default=None)


def within_data(link: ShareLink, until: datetime, now: datetime) -> datetime:
    """``until``, or the end of the data if that is earlier. Raises Conflict when ``link`` would gain nothing."""
    end = data_end(link.dataset, now)
    if end is None or not end.cuts(link.recipient, until):
        return until
    if end.at <= max(link.expires_at, now):
        raise Conflict(f"{deleted_on(end.at)}, so the link cannot work longer. Have them kept longer first.")
    return end.at


def why_not_longer(link: ShareLink, now: datetime) -> str:
    """A sentence when ``link`` ends with its data; else empty."""
    end = data_end(link.dataset, now)
    ends_with_them = end is not None and link.expires_at.date() == end.at.date() and link.expires_at <= end.at
    return f"{deleted_on(link.expires_at)}, so it works no longer than that." if ends_with_them else ""


def deleted_on(at: datetime) -> str:
    """The beginning of a sentence."""
    return f"The data are deleted on {day_text(at)}"
