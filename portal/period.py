"""Days as people enter them, as moments: from the beginning of the first to the end of the last, in their zone."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def begin_of(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def end_of(day: date | None) -> datetime | None:
    """The midnight after ``day``: not included."""
    return begin_of(day + timedelta(days=1)) if day else None
