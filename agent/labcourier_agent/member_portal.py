"""What a person may see at a portal, over HTTP, by their personal access token. A few attempts each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2

from labcourier_agent.exits import NotFound
from labcourier_agent.portal_reader import a_few_times, id_in, pages
from labcourier_agent.wire import heard_from, read_json

Entry = dict[str, Any]


@dataclass(frozen=True)
class ShareWish:
    """`occasion` makes one wish of repeated attempts. None: as the project has it, or without limit."""

    recipients: tuple[str, ...]
    occasion: UUID
    message: str = ""
    days: int | None = None
    password: str = field(default="", repr=False)
    most_downloads: int | None = None

    def document(self) -> Entry:
        return {
            "recipients": list(self.recipients),
            "occasion": str(self.occasion),
            "message": self.message,
            "days": self.days,
            "password": self.password,
            "most_downloads": self.most_downloads,
        }


class MemberPortal:
    """Errors of every method: the tree in exits.py."""

    def __init__(self, http: httpx2.Client, url: str) -> None:
        self._http, self._url = http, url

    def email(self) -> str:
        return str(self._call("GET", "me").get("email"))

    def projects(self) -> Iterator[Entry]:
        for page in self._pages("me/projects", "projects", {}):
            yield from page

    def datasets(self, project: str = "") -> Iterator[Entry]:
        """Newest first."""
        for page in self._pages("me/datasets", "datasets", {"project": project} if project else {}):
            yield from page

    def find(self, word: str) -> Entry:
        """By id, by address, or by unique name. Errors: NotFound."""
        wanted = id_in(word)
        if wanted is not None:
            return self._call("GET", f"me/datasets/{wanted}")
        for page in self._pages("me/datasets", "datasets", {"name": word}):
            for dataset in page:
                return dataset
        raise NotFound(f"{self._url} has no dataset called {word} that you may see.")

    def share(self, dataset_id: str, wish: ShareWish) -> list[Entry]:
        """The links that were made, each with recipient and expires_at."""
        links: list[Entry] = self._call("POST", f"me/datasets/{dataset_id}/links", wish.document())["links"]
        return links

    def _pages(self, path: str, name: str, query: dict[str, str]) -> Iterator[list[Entry]]:
        return pages(self._http, f"{self._url}/api/v1/{path}", name, query)

    def _call(self, method: str, path: str, document: Entry | None = None) -> Entry:
        address = f"{self._url}/api/v1/{path}"

        def attempt() -> Entry:
            with heard_from(address):
                response = self._http.request(method, address, json=document)
            return read_json(response)

        return a_few_times(attempt)
