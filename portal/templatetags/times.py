"""Moments as ``<time>``: absolute and relative.

A person who has set a zone sees it from the server. Everybody else gets the portal's zone by name, and the page's
script (assets/scripts/times.js, whose words match these) rewrites it in the browser's zone.
"""

from datetime import UTC, datetime

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

STYLES = ("both", "ago", "at", "day")
NEVER = mark_safe('<span class="text-body-secondary">never</span>')


@register.simple_tag(takes_context=True)
def when(context: Context, moment: datetime | None, style: str = "both") -> SafeString:
    """``{% when link.expires_at %}``: ``20 Nov 2026, 18:20 (3 hours ago)``; "never" without a moment.

    Styles: ``both``; ``ago`` and ``at``, only one of the two (the other on hover); ``day``, ``Sunday 20 December 2026
    (in 29 days)``, for the end of something. ``now`` of the context is the present, otherwise the clock.
    """
    if style not in STYLES:
        raise template.TemplateSyntaxError(f"{{% when %}} knows the styles {', '.join(STYLES)}, not {style!r}.")
    if moment is None:
        return NEVER
    present = context.get("now")
    seconds = (moment - (present if isinstance(present, datetime) else timezone.now())).total_seconds()
    return format_html(
        '<time datetime="{}" data-zone="{}" title="{}">{}</time>',
        f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "browser" if _zone_is_unknown() else "person",
        f"{timezone.localtime(moment):%-d %b %Y, %H:%M:%S %Z}",
        _parts(moment, seconds, style),
    )


def _parts(moment: datetime, seconds: float, style: str) -> SafeString:
    ago = format_html("<span data-relative>{}</span>", relative_text(seconds))
    if style == "ago":
        return ago
    kind, words = ("day", day_text(moment)) if style == "day" else ("minute", minute_text(moment))
    absolute = format_html('<span data-absolute="{}">{}</span>', kind, words)
    if style == "at":
        return absolute
    return format_html('{} <span class="aside">({})</span>', absolute, ago)


@register.filter
def minute_text(moment: datetime) -> str:
    """``20 Nov 2026, 18:20``, followed by the zone where it is not the reader's own."""
    return f"{timezone.localtime(moment):{'%-d %b %Y, %H:%M %Z' if _zone_is_unknown() else '%-d %b %Y, %H:%M'}}"


@register.filter
def day_text(moment: datetime) -> str:
    """``Sunday 20 December 2026``, in the current zone."""
    return f"{timezone.localtime(moment):%A %-d %B %Y}"


def relative_text(seconds: float) -> str:
    """``3 hours ago``, ``in 29 days``; whole units, never rounded up."""
    past, size = seconds < 0, abs(seconds)
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if size >= length:
            count = int(size // length)
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{words} ago" if past else f"in {words}"
    return "just now" if past else "in less than a minute"


def _zone_is_unknown() -> bool:
    """Nobody's own zone is active (``portal.time_zone``): the portal's is only a stand-in for the browser's."""
    return timezone.get_current_timezone() is timezone.get_default_timezone()
