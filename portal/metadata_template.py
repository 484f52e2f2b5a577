"""What an instrument asks of each dataset: a list of fields that forms in the browser show.

Each is ``{"name", "label", "required", "choices", "help"}``; no ``choices``: free text. Agents are not held
to it: an acquisition does not stop because somebody forgot a sample number.
"""

import re
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

FIELDS_LIMIT = 40
CHOICES_LIMIT = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}\Z")
_TEXTS = {"label": 100, "help": 300}


class MetadataField(TypedDict):
    name: str
    label: str
    required: bool
    choices: list[str]
    help: str


def validate_metadata_template(template: Any) -> None:
    """Raises ValidationError with one sentence for each mistake."""
    if not isinstance(template, list) or not all(isinstance(field, dict) for field in template):
        raise ValidationError("The metadata template is a list of fields.")
    if len(template) > FIELDS_LIMIT:
        raise ValidationError(f"At most {FIELDS_LIMIT} fields; remove {len(template) - FIELDS_LIMIT}.")
    mistakes = [mistake for field in template for mistake in field_mistakes(field).values()]
    names = [field.get("name") for field in template]
    mistakes += [f"The name {name!r} is used twice. Rename one." for name in sorted(twice(names))]
    if mistakes:
        raise ValidationError(mistakes)


def field_mistakes(field: dict[str, Any]) -> dict[str, str]:
    """What is wrong with one field, by the part of it that is wrong; empty when nothing is."""
    wrong: dict[str, str] = {}
    if set(field) != set(MetadataField.__annotations__) or not isinstance(field["required"], bool):
        return {"name": "A field has name, label, required (true or false), choices and help, and nothing else."}
    if not isinstance(field["name"], str) or not _NAME.match(field["name"]):
        wrong["name"] = "A name has 1 to 60 letters, digits, dots, hyphens or underscores and begins with a letter."
    for part, limit in _TEXTS.items():
        if not isinstance(field[part], str) or len(field[part]) > limit:
            wrong[part] = f"The {part} is a text of at most {limit} characters. Shorten it."
    if problem := _choices_mistake(field["choices"]):
        wrong["choices"] = problem
    return wrong


def twice(names: list[Any]) -> set[str]:
    """Names that stand more than once, whatever their case."""
    folded = [name.casefold() for name in names if isinstance(name, str)]
    return {name for name in folded if folded.count(name) > 1}


def _choices_mistake(choices: Any) -> str:
    if not isinstance(choices, list) or not all(isinstance(choice, str) and choice.strip() for choice in choices):
        return "Choices are a list of texts, none of them empty."
    if len(choices) > CHOICES_LIMIT or any(len(choice) > 200 for choice in choices):
        return f"At most {CHOICES_LIMIT} choices of at most 200 characters each."
    if len(set(choices)) < len(choices):
        return "A choice stands twice. Remove one."
    return ""
