"""What a dataset is called and who gets it, written once for many datasets: texts with {placeholders}."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
SEVERAL = re.compile(r"[,;\s]+")
# Named groups of these names fill the field; of `meta_NAME` the metadata field NAME.
FIELDS = ("title", "name", "description", "investigation", "recipients", "keywords")
META = "meta_"


@dataclass(frozen=True)
class Details:
    """Empty texts are filled from values of the same name."""

    title: str = ""
    name: str = ""
    description: str = ""
    investigation: str = ""
    recipients: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)

    def texts(self) -> Iterator[str]:
        yield from (self.title, self.name, self.description, self.investigation)
        yield from (*self.recipients, *self.keywords, *self.metadata.values())

    def fill(self, values: Mapping[str, str], *, title: str) -> tuple[dict[str, Any], list[str]]:
        """The details of one dataset as fields of Plan, and recipients left out because they are no e-mail address.

        `title` is what it is called when neither this nor the values say so.
        """
        found = {name: value for name, value in values.items() if value}
        single = {
            name: fill(getattr(self, name), values) or found.get(name, "")
            for name in ("title", "name", "description", "investigation")
        }
        recipients = _several(self.recipients, values) or _parts(found.get("recipients", ""))
        keywords = _several(self.keywords, values) or _parts(found.get("keywords", ""))
        named = {name.removeprefix(META): value for name, value in found.items() if name.startswith(META)}
        metadata = named | {name: fill(text, values) for name, text in self.metadata.items()}
        good = tuple(address for address in recipients if EMAIL.fullmatch(address))
        wrong = [address for address in recipients if address not in good]
        fields = {**single, "recipients": good, "keywords": keywords, "metadata": metadata}
        return fields | {"title": single["title"] or title}, wrong


def placeholders(text: str) -> list[str]:
    return PLACEHOLDER.findall(text)


def fill(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text).strip()


def _several(texts: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for text in texts if (part := fill(text, values))))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, SEVERAL.split(text)))
