"""The storage report as CSV: its tables, or what was measured each day."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO

from portal.audit_csv import harmless
from portal.models import StorageDay
from portal.storage_sections import Section

TABLE_COLUMNS = ("table", "row", "column", "value", "number")
DAY_COLUMNS = (
    "day", "measured (UTC)", "project", "instrument", "files held", "bytes held", "bytes deleted so far",
)  # fmt: skip
BATCH = 2000


def table_lines(sections: Iterable[Section]) -> Iterator[str]:
    """One line a cell, so that tables of different columns fit into one file; ``number`` is the exact one."""
    yield _line(TABLE_COLUMNS)
    for section in sections:
        for name, *cells in section.rows:
            for column, cell in zip(section.columns[1:], cells, strict=True):
                exact = "" if cell.number is None else cell.number
                yield _line([section.title, name.text, column, cell.text, exact])


def day_lines() -> Iterator[str]:
    """Newest first; memory flat."""
    yield _line(DAY_COLUMNS)
    columns = "day", "measured_at", "project__code", "instrument__slug", "files_held", "bytes_held", "bytes_deleted"
    rows = StorageDay.objects.order_by("-day", "project__code", "instrument__slug").values_list(*columns)
    for day, measured_at, project, instrument, *numbers in rows.iterator(BATCH):
        yield _line([day, f"{measured_at:%Y-%m-%dT%H:%M:%SZ}", project, instrument or "", *numbers])


def _line(cells: Iterable[object]) -> str:
    written = StringIO()
    csv.writer(written).writerow([harmless(cell) for cell in cells])
    return written.getvalue()
