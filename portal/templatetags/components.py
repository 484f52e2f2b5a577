"""Parts of pages that need a little arithmetic; the plain ones are includes in ``templates/components``."""

from typing import NotRequired, TypedDict, Unpack

from django import template
from django.http import HttpRequest
from django.template import Context
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.templatetags.quantities import counted, duration_text, size_text, thin

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """A Bootstrap icon of our sprite, for eyes only: a word stands beside it. Names are listed in assets/icons.txt."""
    return format_html(
        '<svg class="icon" width="16" height="16" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag(takes_context=True)
def nav_link(context: Context, label: str, url: str) -> SafeString:
    """A link of the main navigation; the section the request is in is marked for eyes and for screen readers."""
    request: HttpRequest | None = context.get("request")
    path = request.path if request else ""
    current = path == url or (url != "/" and path.startswith(url))
    marked = format_html(' aria-current="{}"', "page" if path == url else "true") if current else ""
    return format_html('<a class="nav-link" href="{}"{}>{}</a>', url, marked, label)


@register.simple_tag
def breadcrumbs(*parts: str) -> SafeString:
    """``{% breadcrumbs "Projects" projects_url project.name project_url dataset.name %}``: label and address in turn,
    the last label without one, for it is this page."""
    if len(parts) % 2 == 0:
        raise template.TemplateSyntaxError("{% breadcrumbs %} ends with the label of this page, which has no address.")
    links = format_html_join(
        "",
        '<li class="breadcrumb-item"><a href="{1}">{0}</a></li>',
        zip(parts[:-1:2], parts[1::2], strict=True),
    )
    return format_html(
        '<nav aria-label="Breadcrumb"><ol class="breadcrumb">{}'
        '<li class="breadcrumb-item active" aria-current="page">{}</li></ol></nav>',
        links,
        parts[-1],
    )


class Progress(TypedDict):
    """Files done of all, and, when known, bytes done of all, bytes per second and seconds still needed."""

    done: int
    total: int
    size: NotRequired[int]
    size_total: NotRequired[int]
    rate: NotRequired[float | None]
    seconds_left: NotRequired[float | None]
    noun: NotRequired[str]


@register.inclusion_tag("components/progress.html")
def progress_bar(label: str, **figures: Unpack[Progress]) -> dict[str, object]:
    """``{% progress_bar "Verified" done=214 total=312 size=… size_total=… rate=… seconds_left=… %}``.

    Measured in bytes where their total is known, otherwise in ``noun`` ("file,files"); full only when all are done.
    """
    done, total = figures["done"], figures["total"]
    size, size_total = figures.get("size", 0), figures.get("size_total", 0)
    finished = total > 0 and done >= total
    value, maximum = (size, size_total) if size_total else (done, total)
    return {
        "label": label,
        "finished": finished,
        "value": 1000 if finished else min(999, value * 1000 // max(maximum, 1)),
        "counts": _counts(figures, finished),
        "pace": "" if finished else _pace(figures.get("rate"), figures.get("seconds_left")),
    }


def _counts(figures: Progress, finished: bool) -> str:
    done, total, noun = figures["done"], figures["total"], figures.get("noun", "file,files")
    size, size_total = figures.get("size", 0), figures.get("size_total", 0)
    words = counted(total, noun) if finished else f"{thin(done)} of {counted(total, noun)}"
    if not size_total:
        return words
    return f"{words} · {size_text(size_total) if finished else f'{size_text(size)} of {size_text(size_total)}'}"


def _pace(rate: float | None, seconds_left: float | None) -> str:
    words = [f"{size_text(int(rate))}/s"] if rate else []
    if seconds_left is not None:
        words.append(f"{duration_text(seconds_left)} left")
    return " · ".join(words)
