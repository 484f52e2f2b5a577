"""The instruments of a project."""

from typing import TypedDict, Unpack

from django.db import transaction
from django.utils.text import slugify

from portal import events
from portal.actors import Actor
from portal.metadata_template import MetadataField
from portal.models import Instrument, Project
from portal.services.changes import assign, require_valid


class InstrumentFields(TypedDict, total=False):
    name: str
    description: str
    metadata_template: list[MetadataField]


def create_instrument(
    *, project: Project, actor: Actor, name: str, slug: str = "", description: str = ""
) -> Instrument:
    """A new instrument; without a slug one is made from the name. Raises Invalid, also for a slug that is taken."""
    instrument = Instrument(project=project, name=name, description=description)
    with transaction.atomic():
        instrument.slug = slug or free_slug(name)
        require_valid(instrument)
        instrument.save(force_insert=True)
        events.instrument_created(instrument, actor)
    return instrument


def change_instrument(*, instrument: Instrument, actor: Actor, **fields: Unpack[InstrumentFields]) -> Instrument:
    """The slug stays: agents and addresses know it. Raises Invalid."""
    changes = assign(instrument, fields)
    if changes:
        require_valid(instrument)
        with transaction.atomic():
            instrument.save(update_fields=list(changes))
            events.instrument_changed(instrument, actor, changes)
    return instrument


def free_slug(name: str) -> str:
    """``krios-2`` for "Krios 2", ``krios-2-3`` when two others had that name. Cost: one query."""
    stem = slugify(name)[:50] or "instrument"
    taken = set(Instrument.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(slug for slug in numbered if slug not in taken)
