"""Sections of the dataset page come from the rooms that know: each is a function named in ``settings.DATASET_PANELS``.

A panel takes the request and the dataset and gives a :class:`Panel`, or None when it has nothing for this person.
It is fetched again every few seconds at ``/datasets/<id>/panels/<key>`` while the dataset moves, and as long as it says
``live`` of itself. So it holds no forms.

``settings.INSTRUMENT_STATES`` names functions that tell how instruments are, for lists of them.

``settings.DATASET_ROW_NOTES`` names functions that say a few words about each dataset in a list ("2 of 3 have it").
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.module_loading import import_string

from portal.models import Dataset, Instrument


@dataclass(frozen=True, slots=True)
class Panel:
    key: str
    title: str
    template: str
    context: dict[str, Any]
    live: bool = False


PanelFunction = Callable[[HttpRequest, Dataset], Panel | None]
InstrumentStateFunction = Callable[[Sequence[int], datetime], dict[int, str]]
RowNoteFunction = Callable[[Sequence[UUID]], dict[UUID, str]]


def dataset_panels(request: HttpRequest, dataset: Dataset) -> list[Panel]:
    """The panels of ``dataset`` for this person, in the order of the settings."""
    functions: list[PanelFunction] = [import_string(name) for name in settings.DATASET_PANELS]
    panels = (function(request, dataset) for function in functions)
    return [panel for panel in panels if panel]


def render_panel(request: HttpRequest, dataset: Dataset, panel: Panel) -> str:
    context = {"dataset": dataset, "panel": panel, **panel.context}
    return render_to_string(panel.template, context, request=request)


def is_moving(dataset: Dataset) -> bool:
    """Files may still come, or links still be made: what the page shows may change by itself."""
    return dataset.state in (Dataset.State.OPEN, Dataset.State.CLOSED) or (
        dataset.state == Dataset.State.RELEASED and dataset.dispatched_at is None
    )


def polls(dataset: Dataset, panel: Panel) -> bool:
    return panel.live or is_moving(dataset)


def row_notes(datasets: Sequence[Dataset]) -> dict[UUID, list[str]]:
    """The notes about each of ``datasets`` by id. Cost: what each function costs for all of them together."""
    functions: list[RowNoteFunction] = [import_string(name) for name in settings.DATASET_ROW_NOTES]
    said = [function([dataset.pk for dataset in datasets]) for function in functions]
    return {dataset.pk: [notes[dataset.pk] for notes in said if dataset.pk in notes] for dataset in datasets}


def instrument_states(instruments: Sequence[Instrument], now: datetime) -> dict[int, str]:
    """The state (as ``state_badge`` knows it) by id of those of which a room knows one."""
    functions: list[InstrumentStateFunction] = [import_string(name) for name in settings.INSTRUMENT_STATES]
    known: dict[int, str] = {}
    for function in functions:
        known |= function([instrument.pk for instrument in instruments], now)
    return known
