"""What a share link opens, or a dataset of one's own, over HTTP: one method per call, one attempt each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

import httpx2

from labcourier_agent.exits import AgentError, Busy, Conflict, Invalid, NotFound, Refused
from labcourier_agent.fetching.sources import Source
from labcourier_agent.portal_client import BATCH, BundleRules
from labcourier_agent.wire import heard_from, raise_unless_ok, read_json

PIECE = 256 * 1024
# How the portal refuses the link itself, and what that means.
ENDS = {
    "link_unknown": "This link is not known there.",
    "link_not_yet_open": "This link does not work yet.",
    "link_expired": "This link does not work any more.",
    "link_revoked": "This link does not work any more.",
    "link_stopped": "This link does not work any more.",
    "link_used_up": "This link has been used up.",
    "data_deleted": "The data are no longer there.",
}
# Refusals come as JSON, which says why.
AS_IT_IS = {"Accept-Encoding": "identity", "Accept": "application/json, application/octet-stream"}
RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/[0-9]+")


class FileUnreadable(Busy):
    """Storage at the portal does not give a file, which waiting does not mend."""


class RangesIgnored(AgentError):
    """Something in between sends files from their beginning only."""


@dataclass(frozen=True)
class Shared:
    """GET /api/v1/shared/TOKEN. `files` and `bytes` are those verified at that moment."""

    name: str
    title: str
    state: str
    files: int
    bytes: int
    manifest_name: str
    bundles: BundleRules

    @property
    def grows(self) -> bool:
        return self.state in ("open", "closed")


@dataclass(frozen=True)
class SharedFile:
    path: str
    size: int
    mtime_ns: int | None
    sha256: str
    address: str


class SharedPortal:
    """May be shared by threads. Errors of every method: the tree in exits.py; Refused when the link ended."""

    def __init__(self, http: httpx2.Client, source: Source) -> None:
        self._http = http
        self._root = source.root
        self._shared = source.root + source.below

    def shared(self) -> Shared:
        answer = self._call("GET", "")
        rules = answer["bundles"]
        return Shared(
            name=str(answer["name"]),
            title=str(answer["title"]),
            state=str(answer["state"]),
            files=int(answer["files"]),
            bytes=int(answer["bytes"]),
            manifest_name=str(answer["manifest_name"]),
            bundles=BundleRules(int(rules["max_bytes"]), int(rules["max_files"]), int(rules["threshold"])),
        )

    def page(self, cursor: str) -> tuple[list[SharedFile], str | None]:
        """At most 1000 files by path, and the cursor of the next page."""
        answer = self._call("GET", f"/files?limit={BATCH}" + (f"&cursor={quote(cursor, safe='')}" if cursor else ""))
        return [SharedFile(**entry) for entry in answer["files"]], answer["next"]

    def tell_verified(self, digests: Sequence[tuple[str, str]]) -> int:
        """Paths and digests of at most 1000 files; of how many the portal knows now."""
        return int(self._call("POST", "/verified", _named(digests))["verified"])

    @contextmanager
    def bundle(self, digests: Sequence[tuple[str, str]]) -> Iterator[Iterator[bytes]]:
        """A tar of these files, as it comes. What is no longer as it was listed is not in it."""
        address = f"{self._shared}/bundle"
        with (
            heard_from(address),
            self._http.stream("POST", address, json=_named(digests), headers=AS_IT_IS) as response,
        ):
            _raise_unless_ok(response)
            yield response.iter_raw(PIECE)

    @contextmanager
    def file(self, address: str, sha256: str, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """From where the bytes come, and the bytes: from `offset` on, or from 0 when the portal says so.

        Errors: Conflict when the file is another version by now.
        """
        with self._opened(address, sha256, f"bytes={offset}-" if offset else "") as response:
            yield _start_of(response, offset), response.iter_raw(PIECE)

    @contextmanager
    def stretch(self, address: str, sha256: str, start: int, stop: int) -> Iterator[Iterator[bytes]]:
        """The bytes from `start` up to `stop`. Errors: RangesIgnored; Conflict as with `file`."""
        with self._opened(address, sha256, f"bytes={start}-{stop - 1}") as response:
            if response.status_code != 206:
                raise RangesIgnored("The portal, or a proxy before it, does not send parts of files.")
            told = RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if told is None or (int(told[1]), int(told[2])) != (start, stop - 1):
                raise _another_part()
            yield response.iter_raw(PIECE)

    @contextmanager
    def _opened(self, address: str, sha256: str, wanted: str) -> Iterator[httpx2.Response]:
        """A file, or a range of it, of this version. Errors: Conflict when it is another version by now."""
        url, etag = _here(self._root, address), f'"{sha256}"'
        headers = AS_IT_IS | ({"Range": wanted, "If-Range": etag} if wanted else {})
        with heard_from(url), self._http.stream("GET", url, headers=headers) as response:
            _raise_unless_ok(response)
            if response.headers.get("ETag") != etag:
                raise Conflict("The file changed at the portal since it was listed: run the same command again.")
            yield response

    def _call(self, method: str, below: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        address = self._shared + below
        with heard_from(address):
            response = self._http.request(method, address, json=document)
        _raise_if_ended(response)
        return read_json(response)


def _here(root: str, address: str) -> str:
    """Errors: Invalid for one at another host, which would be shown the password or token."""
    if not address.startswith("/") or address.startswith("//"):
        raise Invalid("The portal names an address that is not its own. Ask the facility.")
    return urljoin(f"{root}/", address)


def _start_of(response: httpx2.Response, offset: int) -> int:
    if response.status_code != 206:
        return 0
    told = RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if told is None or int(told[1]) != offset:
        raise _another_part()
    return offset


def _another_part() -> Busy:
    return Busy("The portal sent another part of the file than was asked for.")


def _raise_if_ended(response: httpx2.Response) -> None:
    """Errors: Refused for what the link itself, or all that it opens, has come to an end by."""
    if response.status_code not in (404, 409, 410):
        return
    try:
        raise_unless_ok(response)
    except (NotFound, Conflict) as error:
        if error.code in ENDS:
            raise Refused(f"{ENDS[error.code]} {error.sentence}", code=error.code) from error


def _raise_unless_ok(response: httpx2.Response) -> None:
    if response.status_code >= 300:
        response.read()
        _raise_if_ended(response)
        if response.status_code == 503 and '"file_unreadable"' in response.text:
            raise FileUnreadable("The portal cannot read it as it was verified. The facility was told.")
        try:
            raise_unless_ok(response)
        except NotFound as error:
            raise NotFound(f"The portal does not have it any more: {error.sentence}") from error


def _named(digests: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {"files": [{"path": path, "sha256": sha256} for path, sha256 in digests]}
