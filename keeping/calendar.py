"""The calendar entry that travels with a warning (RFC 5545): the day of the deletion, for whoever keeps a calendar."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from icalendar import Alarm, Calendar, Event

from portal.models import Dataset
from portal.outbox import Attachment


def deletion_entry(dataset: Dataset, at: datetime, *, url: str, now: datetime) -> Attachment:
    """One entry a dataset: a later warning of another day replaces the earlier one in the calendar."""
    event = Event()
    event.add("uid", f"{dataset.pk}@labcourier")
    event.add("dtstamp", now)
    event.add("sequence", int(now.timestamp()) // 60 % 2**31)
    event.add("dtstart", timezone.localtime(at).date())
    event.add("dtend", timezone.localtime(at).date() + timedelta(days=1))
    event.add("summary", f"“{dataset.title}” is deleted")
    event.add("description", f"{dataset.name}. Keep it longer, or say that it may go: {url}")
    event.add("url", url)
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"“{dataset.title}” is deleted tomorrow")
    alarm.add("trigger", timedelta(days=-1))
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", f"-//Labcourier//{settings.SITE_NAME}//EN")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return Attachment("deletion.ics", "text/calendar", calendar.to_ical())
