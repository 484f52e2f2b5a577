"""Every form of the portal looks the same: Bootstrap classes, errors tied to their field, a summary on top.

Pages write ``{{ form }}`` inside ``<form class="stack" method="post" novalidate>``;
their templates are in ``templates/forms``.
"""

from typing import Any

from django import forms
from django.forms.renderers import TemplatesSetting
from django.forms.widgets import Input

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.Select, "form-select"),
    (Input, "form-control"),
    (forms.Textarea, "form-control"),
)


class PortalBoundField(forms.BoundField):
    """A field that brings its Bootstrap classes and, for the template, how it is laid out."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        widget = widget or self.field.widget
        built = super().build_widget_attrs(attrs, widget)
        names = [attrs.get("class"), widget.attrs.get("class"), bootstrap_class(widget)]
        names.append("is-invalid" if self.errors else None)
        joined = " ".join(name for name in names if name)
        return {**built, "class": joined} if joined else built

    @property
    def layout(self) -> str:
        """``check``: label beside the box; ``choices``: a list of boxes or radio buttons; ``plain``: label above."""
        widget = self.field.widget
        if isinstance(widget, forms.CheckboxInput):
            return "check"
        return "choices" if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple) else "plain"


class PortalFormRenderer(TemplatesSetting):
    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
    bound_field_class = PortalBoundField


def bootstrap_class(widget: forms.Widget) -> str | None:
    if widget.is_hidden:
        return None
    return next((name for kind, name in CLASSES if isinstance(widget, kind)), None)
