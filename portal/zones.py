"""Time zones by their names in the IANA database, such as Europe/Rome."""

import zoneinfo

from django.conf import settings
from django.core.exceptions import ValidationError


def validate_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("There is no such time zone. Write it like Europe/Rome, or leave it empty.")


def zone_named(name: str) -> zoneinfo.ZoneInfo:
    """The portal's own for an empty name, and for one that this machine no longer knows: other projects' reminders must
    not wait for it."""
    try:
        return zoneinfo.ZoneInfo(name or settings.TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo(settings.TIME_ZONE)


def zone_choices() -> list[tuple[str, str]]:
    """The zones of places, by name; before them the empty choice, which is the portal's."""
    places = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    return [("", f"the portal’s ({settings.TIME_ZONE})"), *((name, name.replace("_", " ")) for name in places)]
