"""What the members' and staff's pages need besides the components."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from portal.addresses import address_if_any
from portal.audit_words import event_words, kind_icon, kind_words
from portal.models import AuditEvent, DataFile, Dataset
from portal.panels import Panel, render_panel
from portal.project_tabs import Tab
from portal.templatetags.components import icon

register = template.Library()

SILENT_AFTER = timedelta(hours=1)
STAFF_TABS = (
    ("Today", "staff"),
    ("Audit", "staff_audit"),
    ("Storage", "staff_storage"),
    ("Deletions", "staff_deletions"),
    ("Mail", "staff_mail"),
    ("Instruments", "staff_instruments"),
    ("People", "staff_people"),
)


@register.filter
def of(mapping: Mapping[Any, Any], key: Any) -> Any:
    """``{{ notes|of:dataset.pk }}``: the value of a key that is a variable."""
    return mapping.get(key, "")


@register.filter
def contact_state(last_contact_at: datetime | None, now: datetime) -> str:
    """The state, for its badge, of an instrument heard at that moment."""
    return "in_contact" if last_contact_at and now - last_contact_at < SILENT_AFTER else "silent"


@register.filter
def said(event: AuditEvent) -> str:
    return event_words(event)


@register.filter
def kind_name(kind: str) -> str:
    return kind_words(kind)


@register.simple_tag
def event_icon(event: AuditEvent) -> SafeString:
    return icon(kind_icon(event.kind))


@register.simple_tag(takes_context=True)
def panel_content(context: Context, dataset: Dataset, panel: Panel) -> SafeString:
    return mark_safe(render_panel(context["request"], dataset, panel))  # noqa: S308  (a template of ours rendered it)


@register.simple_tag
def file_link(dataset: Dataset, file: DataFile, folder: str) -> SafeString:
    """The file's name as seen from ``folder``, linked once it is verified."""
    name = file.path.removeprefix(f"{folder}/") if folder else file.path
    is_offered = file.state == DataFile.State.VERIFIED and not dataset.is_gone
    address = address_if_any("dataset_file", dataset.pk, file.path) if is_offered else ""
    return format_html('<a href="{}">{}</a>', address, name) if address else format_html("{}", name)


@register.inclusion_tag("components/tabs.html")
def staff_tabs(current: str) -> dict[str, object]:
    """``{% staff_tabs "staff_audit" %}`` on every page of the staff; ``current`` is the page's URL name."""
    tabs = [
        Tab(label=label, url=url, current=name == current, count=None)
        for label, name in STAFF_TABS
        if (url := address_if_any(name))
    ]
    return {"tabs": tabs, "label": "Sections of the facility"}
