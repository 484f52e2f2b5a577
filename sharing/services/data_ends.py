"""A link does not outlive its data: rooms that delete data by the clock say until when they are there."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from portal.errors import Conflict
from portal.models import Dataset
from portal.templatetags.times import day_text
from sharing.models import ShareLink


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The data are deleted ``at`` that moment, as things stand. ``waits_for``: recipients, in lower case, for the end
    of whose links the deletion waits, so that theirs may end at any time; asked for only when it matters.
    ``agreed_earlier``: once everybody has the data, they go before that moment."""

    at: datetime
    waits_for: Callable[[], frozenset[str]] = frozenset
    agreed_earlier: bool = False

    def cuts(self, recipient: str, until: datetime) -> bool:
        return until > self.at and recipient.lower() not in self.waits_for()


@dataclass(frozen=True, slots=True)
class Until:
    """The moment from which a link is of no use any more; ``why``: a sentence when that is the end of its data."""

    at: datetime
    why: str


DataEndsFunction = Callable[[Collection[Dataset], datetime], Mapping[UUID, DataEnd]]


def data_ends(datasets: Collection[Dataset], now: datetime) -> dict[UUID, DataEnd]:
    """By the dataset's id the earliest that any room knows; none for what nobody deletes by the clock.

    ``settings.DATA_ENDS`` names functions (datasets, now) -> mapping of that kind. Cost: theirs.
    """
    functions: list[DataEndsFunction] = [import_string(name) for name in settings.DATA_ENDS]
    ends: dict[UUID, DataEnd] = {}
    for function in functions:
        for pk, end in function(datasets, now).items():
            ends[pk] = min(ends.get(pk, end), end, key=lambda each: each.at)
    return ends


def data_end(dataset: Dataset, now: datetime) -> DataEnd | None:
    return data_ends([dataset], now).get(dataset.pk)


def until_of(link: ShareLink, now: datetime) -> Until:
    """What its recipient is told: the end of ``link``, or of its data if that is earlier."""
    return untils_of([link], now)[link.pk]


def untils_of(links: Collection[ShareLink], now: datetime) -> dict[int, Until]:
    """By the link's id; each with its dataset. Cost: that of `data_ends`, for all of them."""
    ends = data_ends(list({link.dataset_id: link.dataset for link in links}.values()), now)
    return {link.pk: _until(link, ends.get(link.dataset_id)) for link in links}


def _until(link: ShareLink, end: DataEnd | None) -> Until:
    ends_that_day = end is not None and link.expires_at <= end.at and link.expires_at.date() == end.at.date()
    if end is None or not (ends_that_day or end.cuts(link.recipient, link.expires_at)):
        return Until(link.expires_at, "")
    return Until(min(link.expires_at, end.at), f"{deleted_on(end.at)}, so the link works no longer than that.")


def within_data(link: ShareLink, until: datetime, now: datetime) -> datetime:
    """``until``, or the end of the data if that is earlier. Raises Conflict when ``link`` would gain nothing."""
    end = data_end(link.dataset, now)
    if end is None or not end.cuts(link.recipient, until):
        return until
    if end.at <= max(link.expires_at, now):
        raise Conflict(f"{deleted_on(end.at)}, so the link cannot work longer. Have them kept longer first.")
    return end.at


def no_link_longer(at: datetime) -> str:
    """A sentence for whoever shares with many, where the data are deleted ``at`` that moment."""
    return f"{deleted_on(at)}, so no link can work longer than that."


def deleted_on(at: datetime) -> str:
    """The beginning of a sentence."""
    return f"The data are deleted on {day_text(at)}"
