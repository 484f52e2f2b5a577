"""Closing a watched dataset by hand: a note that the watching process finds, however the two were started."""

from __future__ import annotations

from pathlib import Path

from labcourier_agent.exits import AgentError, BadUsage, NotFound
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.settings import make_private


class CloseRequests:
    """A note for each dataset, named by its client key."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "close-requests"

    def has(self, client_key: str) -> bool:
        return (self._folder / client_key).exists()

    def add(self, client_key: str) -> None:
        make_private(self._folder)
        try:
            (self._folder / client_key).touch(mode=0o600)
        except OSError as error:
            raise AgentError(f"{self._folder} cannot be written ({error.strerror}): make room or rights.") from error

    def drop(self, client_key: str) -> None:
        (self._folder / client_key).unlink(missing_ok=True)


def find_watched(journal: Journal, word: str) -> DatasetRow:
    """The one under way that is called so here or at the portal. Errors: NotFound, BadUsage when there are several."""
    under_way = [row for row in journal.under_way() if row.plan.entry]
    found = [row for row in under_way if word in _names(row)]
    if len(found) == 1:
        return found[0]
    titles = ", ".join(f"{row.plan.title} ({_portal_name(row)})" for row in found or under_way[:10])
    if found:
        raise BadUsage(f"Several open datasets are called {word}: {titles}. Give the name in brackets.")
    raise NotFound(f"No open dataset of a watched folder is called {word}. Open are: {titles or 'none'}.")


def _names(row: DatasetRow) -> set[str]:
    return {row.plan.title, row.plan.key, _portal_name(row), str(row.portal_id)} - {""}


def _portal_name(row: DatasetRow) -> str:
    return str(row.answer["name"]) if row.answer else "not yet at the portal"
