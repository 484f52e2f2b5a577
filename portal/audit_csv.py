"""The audit as CSV: streamed in pieces by id, so that ten million rows need the memory of a few thousand."""

import csv
from collections.abc import Iterator
from datetime import UTC

from django.db.models import QuerySet

from portal.audit_words import event_words
from portal.models import AuditEvent

COLUMNS = (
    "number", "when (UTC)", "who", "kind of actor", "what", "in words", "project", "dataset", "subject", "from where",
    "program", "bytes", "complete", "hash",
)  # fmt: skip
BATCH = 2000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(events: QuerySet[AuditEvent]) -> Iterator[str]:
    """Newest first, one line an event, after the line of the column names."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    below: int | None = None
    while batch := list((events.filter(pk__lt=below) if below else events).order_by("-pk")[:BATCH]):
        for event in batch:
            yield writer.writerow([harmless(cell) for cell in _cells(event)])
        below = batch[-1].pk


def harmless(cell: object) -> object:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, "CSV injection")."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _cells(event: AuditEvent) -> list[object]:
    return [
        event.pk,
        event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        event.actor,
        event.actor_kind,
        event.kind,
        event_words(event),
        event.project,
        event.dataset,
        event.subject,
        event.address,
        event.client,
        "" if event.bytes is None else event.bytes,
        {None: "", True: "yes", False: "no"}[event.complete],
        event.hash,
    ]


class _Line:
    """A file that gives back what is written to it: ``csv.writer`` then returns each line."""

    def write(self, line: str) -> str:
        return line
