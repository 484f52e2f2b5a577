"""Long lists on stdout, row by row: as CSV for a spreadsheet, or as one JSON document. Nothing grows with the rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TextIO

Row = Mapping[str, Any]
# What makes a spreadsheet take a cell for a formula. Source: OWASP, "CSV Injection".
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Listing(Protocol):
    def row(self, row: Row) -> None: ...

    def end(self, closing: Row) -> None:
        """`closing`: what is known once all rows are told, such as counts."""


class CsvListing:
    """A heading and the rows, RFC 4180 with plain line ends. Texts that look like formulas begin with an apostrophe."""

    def __init__(self, stream: TextIO, columns: Sequence[str]) -> None:
        self._writer = csv.DictWriter(stream, columns, lineterminator="\n")
        self._writer.writeheader()

    def row(self, row: Row) -> None:
        self._writer.writerow({column: neutral(value) for column, value in row.items()})

    def end(self, closing: Row) -> None:
        return


class JsonListing:
    """One object: `opening`, the rows under `name`, then the closing."""

    def __init__(self, stream: TextIO, opening: Row, name: str) -> None:
        self._stream = stream
        self._between = "\n"
        start = json.dumps(dict(opening), ensure_ascii=False)[:-1]
        self._stream.write(f"{start}{', ' if opening else ''}{json.dumps(name)}: [")

    def row(self, row: Row) -> None:
        self._stream.write(self._between + json.dumps(dict(row), ensure_ascii=False))
        self._between = ",\n"

    def end(self, closing: Row) -> None:
        self._stream.write(f"\n], {json.dumps(dict(closing), ensure_ascii=False)[1:]}\n")


def neutral(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
