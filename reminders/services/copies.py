"""Operators hear of reminders: of each one by one, or of all of a day in one mail the next morning."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from portal.models import Dataset, Notice
from portal.outbox import new_notice, queue_notices
from reminders.models import ReminderPolicy
from reminders.services.slots import slot_name

COPY, DIGEST = "reminder-copy", "reminder-digest"
AT_ONCE = 1000
MORNING = time(7)
MOST_ADDRESSES = 10

CopiesTo = ReminderPolicy.CopiesTo


@dataclass(frozen=True, slots=True)
class Reminded:
    """A link whose recipient is reminded, for the slot of this `day` of its life."""

    link: int
    dataset: object
    project: int
    day: int


def tell_operators(reminded: Sequence[Reminded], policies: Mapping[int, ReminderPolicy], now: datetime) -> None:
    """Queues what the projects want; twice does nothing. Cost: one query and two INSERTs for each 1 000 reminders."""
    told = [one for one in reminded if policies[one.project].copies_to != CopiesTo.NOBODY]
    for begin in range(0, len(told), AT_ONCE):
        some = told[begin : begin + AT_ONCE]
        datasets = Dataset.objects.select_related("project").in_bulk({one.dataset for one in some})
        queue_notices(_notices(some, datasets, policies, now))


def addresses_of(dataset: Dataset, policy: ReminderPolicy) -> list[str]:
    """Who hears of reminders about `dataset`: the project's contact, where no token or no metadata name anybody."""
    if policy.copies_to == CopiesTo.NOBODY:
        return []
    named: list[str] = []
    if policy.copies_to == CopiesTo.TOKEN:
        named = dataset.operator_emails
    elif policy.copies_to == CopiesTo.METADATA:
        named = _addresses_in(dataset.metadata.get(policy.metadata_key))
    return list(dict.fromkeys(named)) or [dataset.project.contact_email]


def day_in(zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """When it begins and ends there."""
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def _notices(
    some: Iterable[Reminded],
    datasets: Mapping[object, Dataset],
    policies: Mapping[int, ReminderPolicy],
    now: datetime,
) -> Iterator[Notice]:
    for one in some:
        dataset, policy = datasets[one.dataset], policies[one.project]
        for address in addresses_of(dataset, policy):
            if policy.copies_daily:
                yield _digest(address, policy, now)
            else:
                yield new_notice(COPY, address, subject_id=one.link, slot=slot_name(one.day), dataset=dataset)


def _digest(address: str, policy: ReminderPolicy, now: datetime) -> Notice:
    zone = policy.project.zone
    today = now.astimezone(zone).date()
    morning = datetime.combine(today + timedelta(days=1), MORNING, zone)
    return new_notice(DIGEST, address, subject_id=policy.project.pk, slot=today.isoformat(), not_before=morning)


def _addresses_in(value: object) -> list[str]:
    """One or several with commas between them; whatever is no address names nobody."""
    words = value.replace(";", ",").split(",") if isinstance(value, str) else []
    return [word.strip() for word in words if _is_address(word.strip())][:MOST_ADDRESSES]


def _is_address(word: str) -> bool:
    try:
        validate_email(word)
    except ValidationError:
        return False
    return True
