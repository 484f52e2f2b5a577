"""The storage report's tables. Rooms bring their own: functions named in ``settings.STORAGE_REPORT_SECTIONS``.

Each takes the present and gives a :class:`Section`, or None when it has nothing to say. The page, the mail in its two
parts and the CSV are made of the same sections, so cells are plain text, with the exact number beside it where they are
one. A function costs a bounded number of queries and gives at most ``SHOWN`` rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from portal.templatetags.quantities import size_text, thin

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """``number``: what ``text`` rounds (bytes, files, days), for the CSV; ``url``: a path of the portal; ``state``: as
    ``state_badge`` knows it, shown in front; ``share``: 0 to 1, drawn as a bar."""

    text: str
    number: float | None = None
    url: str = ""
    state: str = ""
    share: float | None = None

    @property
    def percent(self) -> int:
        return round(100 * min(1, max(0, self.share or 0)))


@dataclass(frozen=True, slots=True)
class Section:
    """A table under ``title``. Each row has a cell for each of ``columns``; the first names the row. ``lead`` is a
    sentence above it; ``more`` counts rows that are left out; ``empty`` stands there when no row is."""

    key: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    lead: str = ""
    more: int = 0
    empty: str = "Nothing."

    @property
    def heads(self) -> list[tuple[str, bool]]:
        """Each column's name, and whether it holds numbers."""
        numbers = [any(row[place].number is not None for row in self.rows) for place in range(len(self.columns))]
        return list(zip(self.columns, numbers, strict=True))

    @property
    def named_rows(self) -> list[list[tuple[str, bool, Cell]]]:
        """Each cell with the head of its column."""
        return [[(*head, cell) for head, cell in zip(self.heads, row, strict=True)] for row in self.rows]


SectionFunction = Callable[[datetime], Section | None]


def report_sections(now: datetime) -> list[Section]:
    """What all rooms have to say, in the order of the settings."""
    functions: list[SectionFunction] = [import_string(name) for name in settings.STORAGE_REPORT_SECTIONS]
    found = (function(now) for function in functions)
    return [section for section in found if section]


def size_cell(size: int, *, of: int | None = None) -> Cell:
    """Bytes, with a bar when they are part of ``of``."""
    return Cell(size_text(size), size, share=size / of if of else None)


def count_cell(number: int) -> Cell:
    return Cell(thin(number), number)
