from argparse import ArgumentTypeError
from datetime import datetime

from django.utils import timezone


def moment(text: str) -> datetime:
    """The value of `--now`: ISO 8601; without a zone it is in the portal's."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no time. Write it like 2026-11-20T18:20:37+01:00.") from error
    return value if timezone.is_aware(value) else timezone.make_aware(value)
