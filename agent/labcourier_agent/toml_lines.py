"""On which line of a TOML text each key stands: the parser of the standard library does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

Place = tuple[str | int, ...]
# Strings, comments, brackets and line ends: what decides where a statement ends. https://toml.io/en/v1.0.0
TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' r"'''.*?'''|" r'"(?:\\.|[^"\\\n])*"|' r"'[^'\n]*'|#[^\n]*|[\[\]{}]|\n", re.DOTALL
)
KEY = re.compile(r"""\s*((?:[\w-]+|"[^"\n]*"|'[^'\n]*')(?:\s*\.\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*'))*)\s*""")
PART = re.compile(r"""[\w-]+|"[^"\n]*"|'[^'\n]*'""")


class KeyLines:
    """Of a text that the parser has accepted. Entries of an array of tables are numbered from 0."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {(): 1}
        self._numbers: dict[Place, int] = {}
        table: Place = ()
        for line, statement in _statements(text):
            if statement.startswith("["):
                table = self._open_table(statement)
                self._lines.setdefault(table, line)
            elif match := KEY.match(statement):
                place = (*table, *_parts(match[1]))
                for end in range(len(table) + 1, len(place) + 1):
                    self._lines.setdefault(place[:end], line)

    def line_of(self, place: Place) -> int:
        """That of the nearest known part of it: what stands within an inline table is found at the table's key."""
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def _open_table(self, statement: str) -> Place:
        is_array = statement.startswith("[[")
        table: Place = ()
        parts = _parts(statement.strip("[] \t"))
        for number, part in enumerate(parts):
            table = (*table, part)
            is_last = number == len(parts) - 1
            if is_last and is_array:
                self._numbers[table] = self._numbers.get(table, -1) + 1
            if table in self._numbers:
                table = (*table, self._numbers[table])
        return table


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in PART.findall(text)]


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each with the line it begins on, without comments."""
    begin, line, first, depth = 0, 1, 1, 0
    kept = ""
    for token in TOKEN.finditer(text + "\n"):
        mark = token[0]
        depth += (mark in "[{") - (mark in "]}")
        if mark.startswith("#"):
            kept += text[begin : token.start()]
            begin = token.end()
        elif mark == "\n" and depth == 0:
            statement = (kept + text[begin : token.start()]).strip()
            if statement:
                yield first, statement
            begin, kept, first = token.end(), "", line + 1
        line += mark.count("\n")
