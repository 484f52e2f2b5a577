"""Changing the fields of one row: what differs, whether it is allowed, and what to tell the audit."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from portal.errors import Invalid


def assign(row: Model, values: Mapping[str, object]) -> dict[str, tuple[Any, Any]]:
    """Sets the fields that differ; what each was and is. Saves nothing."""
    changes = {name: (getattr(row, name), value) for name, value in values.items() if getattr(row, name) != value}
    for name, (_, value) in changes.items():
        setattr(row, name, value)
    return changes


def require_valid(row: Model) -> None:
    """Raises Invalid (422) with ``detail.fields`` when the row breaks a rule of its model or of the database."""
    try:
        row.full_clean()
    except ValidationError as error:
        fields = [
            {"field": "" if name == NON_FIELD_ERRORS else name, "message": message}
            for name, messages in error.message_dict.items()
            for message in messages
        ]
        said = " ".join(f"{field['field']}: {field['message']}".removeprefix(": ") for field in fields)
        raise Invalid(said, fields=fields) from None
