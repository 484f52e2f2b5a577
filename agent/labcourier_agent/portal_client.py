"""The portal's JSON API, one method per call, one attempt each: whoever calls decides about patience."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode, urljoin

import httpx2

from labcourier_agent import __version__
from labcourier_agent.exits import Conflict, Refused
from labcourier_agent.progress import LOGGER
from labcourier_agent.wire import heard_from, raise_unless_ok, read_json

# No call names more files than this; the portal refuses longer lists.
BATCH = 1000


@dataclass(frozen=True)
class BundleRules:
    """What the portal takes as one bundle, in bytes and files. Files up to `threshold` bytes should travel so."""

    max_bytes: int
    max_files: int
    threshold: int


@dataclass(frozen=True)
class Connection:
    """What a token opens: GET /api/v1/connection. Sizes in bytes; `expires_at` as the portal wrote it (ISO 8601).

    `bundles`: None for a portal that takes none.
    """

    project_code: str
    project_name: str
    instrument: str | None
    token_label: str
    expires_at: str | None
    tus_endpoint: str
    max_file_bytes: int | None
    max_path_bytes: int | None
    agent_version_min: str | None
    agent_version_latest: str | None
    bundles: BundleRules | None


@dataclass(frozen=True)
class BundleAnswer:
    """GET /api/v1/bundles/ID. `state`: receiving, received, unpacked or refused.

    `bad` are the members that are not verified, each with path, state (corrupt, invalid, skipped) and reason.
    """

    state: str
    reason: str
    bad: list[dict[str, Any]]


@dataclass(frozen=True)
class PortalFile:
    """A file as the portal knows it: `path` as normalised there, `state` expected, received, verified or corrupt."""

    path: str
    sent_path: str
    size: int
    state: str
    sha256: str | None
    reason: str


class PortalClient:
    """Thread-safe. Errors of every method: the tree in exits.py."""

    def __init__(self, http: httpx2.Client, url: str) -> None:
        self._http = http
        self._root = url.rstrip("/") + "/"

    def connection(self) -> Connection:
        answer = self._call("GET", "api/v1/connection")
        try:
            return self._read_connection(answer)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._root} does not answer as a Labcourier portal: check the address.") from error

    def create_dataset(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", "api/v1/datasets", request)

    def dataset(self, dataset_id: str) -> dict[str, Any]:
        return self._call("GET", f"api/v1/datasets/{dataset_id}")

    def announce(self, dataset_id: str, files: Sequence[dict[str, Any]]) -> list[PortalFile]:
        answer = self._call("POST", f"api/v1/datasets/{dataset_id}/files", {"files": list(files)})
        return [_read_file(entry) for entry in answer["files"]]

    def query(self, dataset_id: str, paths: Sequence[str]) -> list[PortalFile]:
        answer = self._call("POST", f"api/v1/datasets/{dataset_id}/files/query", {"paths": list(paths)})
        return [_read_file(entry) for entry in answer["files"]]

    def verified_files(self, dataset_id: str) -> Iterator[list[PortalFile]]:
        """All of them, a page at a time."""
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"state": "verified", "limit": BATCH} | ({"cursor": cursor} if cursor else {}))
            answer = self._call("GET", f"api/v1/datasets/{dataset_id}/files?{query}")
            yield [_read_file(entry) for entry in answer["files"]]
            cursor = answer.get("next")

    def withdraw(self, dataset_id: str, paths: Sequence[str]) -> list[PortalFile]:
        """Takes announced files back. Returns those that are still there."""
        answer = self._call("POST", f"api/v1/datasets/{dataset_id}/files/withdraw", {"paths": list(paths)})
        return [_read_file(entry) for entry in answer["files"]]

    def bundle(self, upload_id: str) -> BundleAnswer:
        answer = self._call("GET", f"api/v1/bundles/{upload_id}")
        return BundleAnswer(answer["state"], answer.get("reason") or "", answer.get("bad") or [])

    def heartbeat(self, beat: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", "api/v1/heartbeat", beat)

    def close(self, dataset_id: str) -> None:
        """Closing what is closed is success. Errors: Conflict `files_missing` with detail.files."""
        address = f"{self._root}api/v1/datasets/{dataset_id}/close"
        with heard_from(address):
            response = self._http.post(address)
        try:
            raise_unless_ok(response)
        except Conflict as conflict:
            if conflict.code != "already_closed":
                raise

    def _call(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        address = self._root + path
        with heard_from(address):
            response = self._http.request(method, address, json=document)
        return read_json(response)

    def _read_connection(self, answer: dict[str, Any]) -> Connection:
        instrument = answer.get("instrument")
        return Connection(
            project_code=str(answer["project"]["code"]),
            project_name=str(answer["project"]["name"]),
            instrument=str(instrument["name"]) if instrument else None,
            token_label=str(answer.get("token_label") or ""),
            expires_at=answer.get("expires_at"),
            tus_endpoint=urljoin(self._root, str(answer["tus_endpoint"])),
            max_file_bytes=answer.get("max_file_bytes"),
            max_path_bytes=answer.get("max_path_bytes"),
            agent_version_min=answer.get("agent_version_min"),
            agent_version_latest=answer.get("agent_version_latest"),
            bundles=_read_rules(answer.get("bundles")),
        )


def refuse_if_outdated(connection: Connection) -> None:
    wanted = connection.agent_version_min
    if wanted and numbers_of(wanted) > numbers_of(__version__):
        raise Refused(f"The portal asks for agent {wanted} or newer; this is {__version__}: update labcourier-agent.")


def tell_if_newer(connection: Connection) -> None:
    latest = connection.agent_version_latest
    if latest and numbers_of(latest) > numbers_of(__version__):
        _tell_of_newer(latest)


@cache
def _tell_of_newer(version: str) -> None:
    """Once, however many datasets this process sends."""
    LOGGER.warning("Agent %s is available, this is %s: update labcourier-agent when it suits.", version, __version__)


def _read_rules(answer: dict[str, Any] | None) -> BundleRules | None:
    if answer is None:
        return None
    return BundleRules(int(answer["max_bytes"]), int(answer["max_files"]), int(answer["threshold"]))


def _read_file(entry: dict[str, Any]) -> PortalFile:
    return PortalFile(
        path=entry["path"],
        sent_path=entry.get("sent_path", entry["path"]),
        size=entry.get("size") or 0,
        state=entry["state"],
        sha256=entry.get("sha256"),
        reason=entry.get("reason") or "",
    )


def numbers_of(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
