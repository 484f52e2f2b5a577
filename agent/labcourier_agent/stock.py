"""From the folders into the journal: what is there, what is new, what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from labcourier_agent.ledger import Ledger
from labcourier_agent.portal_client import BATCH
from labcourier_agent.records import Difference
from labcourier_agent.scan import EVERYTHING, Found, LeftOut, Selection, look_through


@dataclass
class Stock:
    """What one look through the folders found. `changed` counts new files too; `stale_uploads` are to be terminated."""

    files: int = 0
    bytes: int = 0
    changed: int = 0
    links: int = 0
    stale_uploads: list[str] = field(default_factory=list)


def take_stock(
    ledger: Ledger,
    sources: Sequence[str],
    *,
    ready_at: float,
    skip: str | None,
    selection: Selection = EVERYTHING,
    say: Callable[[str], None],
) -> Stock:
    """Notes new and changed files, ready to be sent at `ready_at`, and what cannot be listed. Memory does not grow."""
    ledger.clear_unlisted()

    def note(differences: list[Difference]) -> None:
        ledger.note(differences, ready_at=ready_at)

    def note_left_out(left_out: LeftOut) -> None:
        if left_out.serious:
            ledger.note_unlisted(left_out)
        say(left_out.reason)

    return _compare(ledger, look_through(sources, skip=skip, selection=selection), note, note_left_out)


def compare_stock(
    ledger: Ledger, sources: Sequence[str], *, skip: str | None, selection: Selection = EVERYTHING
) -> Stock:
    """The same look, but the journal stays as it is: for a dataset that takes no more files."""
    entries = look_through(sources, skip=skip, selection=selection)
    return _compare(ledger, entries, lambda differences: None, lambda left_out: None)


def _compare(
    ledger: Ledger,
    entries: Iterable[Found | LeftOut],
    note: Callable[[list[Difference]], None],
    note_left_out: Callable[[LeftOut], None],
) -> Stock:
    stock = Stock()
    for batch in _batches(entries):
        founds = [entry for entry in batch if isinstance(entry, Found)]
        differences = ledger.differences(founds)
        note(differences)
        stock.files += len(founds)
        stock.bytes += sum(found.signature.size for found in founds)
        stock.changed += len(differences)
        stock.stale_uploads += [difference.upload_url for difference in differences if difference.upload_url]
        for left_out in (entry for entry in batch if isinstance(entry, LeftOut)):
            stock.links += not left_out.serious
            note_left_out(left_out)
    return stock


def _batches(entries: Iterable[Found | LeftOut]) -> Iterator[list[Found | LeftOut]]:
    stream = iter(entries)
    while batch := list(islice(stream, BATCH)):
        yield batch
