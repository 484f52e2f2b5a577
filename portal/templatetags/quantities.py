"""Sizes, counts and durations as people read them: decimal units, three figures, thin spaces between thousands."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

THIN_SPACE = "\u202f"
NO_BREAK = "\u00a0"
UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
LESS_THAN_A_MINUTE = "less than a minute"


@register.filter
def thin(number: int) -> str:
    """``12345`` as ``12 345``, with a narrow no-break space."""
    return f"{number:,}".replace(",", THIN_SPACE)


@register.filter
def size_text(number: int) -> str:
    """Bytes as ``41.2 GB``: three figures, decimal units. Plain text, for mails, buttons and titles."""
    value, unit = float(number), 0
    while _rounded(value, unit) >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{_rounded(value, unit):.{_decimals(value, unit)}f}{NO_BREAK}{UNITS[unit]}"


def _rounded(value: float, unit: int) -> float:
    return round(value, _decimals(value, unit))


def _decimals(value: float, unit: int) -> int:
    if unit == 0 or round(value, 1) >= 100:
        return 0
    return 1 if round(value, 2) >= 10 else 2


@register.filter
def filesize_si(number: int) -> SafeString:
    """The same as HTML, with the exact number of bytes on hover."""
    return format_html(
        '<data value="{}" title="{} bytes" class="figure">{}</data>', number, thin(number), size_text(number)
    )


@register.filter
def counted(number: int, nouns: str) -> str:
    """``{{ n|counted:"file,files" }}``: ``1 file``, ``12 345 files``."""
    one, many = nouns.split(",")
    return f"{thin(number)}{NO_BREAK}{one if number == 1 else many}"


@register.filter
def duration_text(seconds: float) -> str:
    """A rough length of time: ``less than a minute``, ``about 3 minutes``, ``about 2 hours``, ``about 5 days``."""
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"about {count} {unit}{'' if count == 1 else 's'}"
    return LESS_THAN_A_MINUTE
