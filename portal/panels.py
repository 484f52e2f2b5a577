"""Sections of the dataset page come from the rooms that know: each is a function named in ``settings.DATASET_PANELS``.

A panel takes the request and the dataset and gives a :class:`Panel`, or None when it has nothing for this person.
Those with ``live`` set are fetched again every few seconds at ``/datasets/<id>/panels/<key>`` while the dataset moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from portal.models import Dataset


@dataclass(frozen=True, slots=True)
class Panel:
    key: str
    title: str
    template: str
    context: dict[str, Any]
    live: bool = False
    wide: bool = True


PanelFunction = Callable[[HttpRequest, Dataset], Panel | None]


def dataset_panels(request: HttpRequest, dataset: Dataset) -> list[Panel]:
    """The panels of ``dataset`` for this person, in the order of the settings."""
    functions: list[PanelFunction] = [import_string(name) for name in settings.DATASET_PANELS]
    panels = (function(request, dataset) for function in functions)
    return [panel for panel in panels if panel]


def render_panel(request: HttpRequest, dataset: Dataset, panel: Panel) -> str:
    context = {"dataset": dataset, "panel": panel, **panel.context}
    return render_to_string(panel.template, context, request=request)
