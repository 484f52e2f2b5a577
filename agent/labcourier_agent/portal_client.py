"""The portal's JSON API, one method per call, one attempt each: whoever calls decides about patience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2

from labcourier_agent import __version__
from labcourier_agent.exits import Conflict, Refused
from labcourier_agent.wire import heard_from, raise_unless_ok, read_json

# No call names more files than this; the portal refuses longer lists.
BATCH = 1000


@dataclass(frozen=True)
class Connection:
    """What a token opens: GET /api/v1/connection. Sizes in bytes; `expires_at` as the portal wrote it (ISO 8601)."""

    project_code: str
    project_name: str
    instrument: str | None
    token_label: str
    expires_at: str | None
    tus_endpoint: str
    max_file_bytes: int | None
    max_path_bytes: int | None
    agent_version_min: str | None


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
        )


def refuse_if_outdated(connection: Connection) -> None:
    wanted = connection.agent_version_min
    if wanted and _numbers(wanted) > _numbers(__version__):
        raise Refused(f"The portal asks for agent {wanted} or newer; this is {__version__}: update labcourier-agent.")


def _read_file(entry: dict[str, Any]) -> PortalFile:
    return PortalFile(
        path=entry["path"],
        sent_path=entry.get("sent_path", entry["path"]),
        size=entry.get("size") or 0,
        state=entry["state"],
        sha256=entry.get("sha256"),
        reason=entry.get("reason") or "",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
