"""Reading what a portal has, for commands that only look: a few attempts, then the trouble is told."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import httpx2

from labcourier_agent.exits import BadUsage, NotFound, TryLater
from labcourier_agent.portal_client import BATCH, PortalClient, PortalFile
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Portal, Portals
from labcourier_agent.wire import heard_from, read_json

T = TypeVar("T")

# Seconds before each further attempt: a restart of the portal is waited out, a night without network is not.
DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0)
IN_ADDRESS = re.compile(r"://.*/datasets/([0-9A-Fa-f-]{36})(?:[/?#]|$)")


class PortalReader:
    """Errors of every method: the tree in exits.py; Unreachable or Busy after six attempts."""

    def __init__(self, http: httpx2.Client, portal: Portal) -> None:
        self.portal = portal
        self._http = http
        self._client = PortalClient(http, portal.url)

    def dataset(self, dataset_id: str) -> dict[str, Any]:
        return a_few_times(lambda: self._client.dataset(dataset_id))

    def find(self, word: str) -> dict[str, Any]:
        """By id, by unique name, or by address. Errors: NotFound."""
        wanted = id_in(word)
        if wanted is not None:
            return self.dataset(wanted)
        for page in self._pages("datasets", "datasets", {"name": word}):
            for dataset in page:
                if dataset["name"] == word:
                    return dict(dataset)
        raise NotFound(f"{self.portal.url} has no dataset called {word} in project {self.portal.project}.")

    def datasets(self) -> Iterator[list[dict[str, Any]]]:
        """Those that the token may send to, newest first."""
        yield from self._pages("datasets", "datasets", {})

    def files(self, dataset_id: str) -> Iterator[list[PortalFile]]:
        """All current files, at most 1000 at a time."""
        for page in self._pages(f"datasets/{dataset_id}/files", "files", {"limit": str(BATCH)}):
            yield [
                PortalFile(
                    path=entry["path"],
                    sent_path=entry["path"],
                    size=entry["size"],
                    state=entry["state"],
                    sha256=entry["sha256"],
                    reason=entry.get("reason") or "",
                )
                for entry in page
            ]

    def query(self, dataset_id: str, paths: Sequence[str]) -> list[PortalFile]:
        return a_few_times(lambda: self._client.query(dataset_id, paths))

    def _pages(self, path: str, name: str, query: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        return pages(self._http, f"{self.portal.url}/api/v1/{path}", name, query)


def pages(http: httpx2.Client, address: str, name: str, query: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The list `name` of one answer after the other, as long as there is a cursor of the next."""
    cursor: str | None = ""
    while cursor is not None:
        asked = f"{address}?{urlencode(query | ({'cursor': cursor} if cursor else {}))}"
        answer = a_few_times(partial(_get, http, asked))
        yield answer[name]
        cursor = answer.get("next")


def _get(http: httpx2.Client, address: str) -> dict[str, Any]:
    with heard_from(address):
        response = http.get(address)
    return read_json(response)


def a_few_times(attempt: Callable[[], T]) -> T:
    for delay in DELAYS:
        try:
            return attempt()
        except TryLater as trouble:
            pause = max(delay, min(trouble.retry_after, DELAYS[-1]))
            LOGGER.info("%s Trying again in %.0f s.", trouble.sentence, pause)
            time.sleep(pause)
    return attempt()


def portal_for(portals: Portals, chosen: str | None, word: str) -> Portal:
    """The one that was chosen; else the one whose address `word` begins with; else the default.

    Errors: NotFound; BadUsage for the address of a portal that is not connected.
    """
    if chosen is None and "://" in word:
        for portal in portals.known:
            if word.startswith(f"{portal.url}/"):
                return portal
        raise BadUsage(f"{word} is at a portal that is not connected: run `labcourier connect` with its address first.")
    return portals.choose(chosen)


def id_in(word: str) -> str | None:
    """The UUID that `word` is, or that stands in it as the address of a dataset."""
    found = IN_ADDRESS.search(word)
    try:
        return str(UUID(found[1] if found else word))
    except ValueError:
        return None
