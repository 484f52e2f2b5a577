"""A small portal on a loopback port: the HTTP contract, with faults that can be planted. It keeps digests, no bytes."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.agent.loopback_bundles import RULES, StoredBundle, refuse_bad_metadata, unpack
from tests.agent.loopback_door import Answer, Door, Fault, Refusal

TOKEN = "lcu_ada"
NEW_TOKEN = "lcu_ada_renewed"
NOTHING = hashlib.sha256().hexdigest()


@dataclass
class StoredFile:
    path: str
    size: int
    mtime_ns: int | None
    stated: str | None = None
    state: str = "expected"
    actual: str | None = None
    reason: str = ""

    def is_another_version(self, told: StoredFile) -> bool:
        other_digest = None not in (self.stated, told.stated) and self.stated != told.stated
        return other_digest or (self.size, self.mtime_ns) != (told.size, told.mtime_ns)

    def document(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "size": self.size,
            "state": self.state,
            "sha256": self.stated,
            "reason": self.reason,
        }


@dataclass
class StoredDataset:
    id: str
    request: dict[str, Any]
    state: str = "open"
    files: dict[str, StoredFile] = field(default_factory=dict)

    def document(self, base: str) -> dict[str, Any]:
        states = [file.state for file in self.files.values()]
        return {
            "id": self.id,
            "name": f"2026-11-20_18.20.37-32-{self.request.get('name') or self.request['title']}",
            "state": self.state,
            "title": self.request["title"],
            "url": f"{base}/datasets/{self.id}",
            "revision": states.count("verified"),
            "counts": {
                "expected": states.count("expected"),
                "received": states.count("received"),
                "verified": states.count("verified"),
                "corrupt": states.count("corrupt"),
                "bytes_expected": sum(file.size for file in self.files.values()),
                "bytes_verified": sum(file.size for file in self.files.values() if file.state == "verified"),
            },
            "recipients": self.request.get("recipients", []),
            "created_at": "2026-11-20T18:20:37Z",
            "released_at": None,
        }


@dataclass
class StoredUpload:
    id: str
    dataset: StoredDataset
    path: str
    length: int
    sha256: str | None
    digest: Any = field(default_factory=hashlib.sha256)
    offset: int = 0
    writing: threading.Lock = field(default_factory=threading.Lock)


class LoopbackPortal:
    """Used as a context manager. `requests` and `received` (bytes of content by path) tell what was asked of it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.received: dict[str, int] = {}
        self.datasets: dict[str, StoredDataset] = {}
        self.uploads: dict[str, StoredUpload | StoredBundle] = {}
        self.tokens = {TOKEN}
        self.bundle_rules: dict[str, int] | None = None
        self.unpacks = True
        self.unreadable_bundles = 0
        self.knows_withdrawing = True
        self.page = 1000
        self.agent_version_latest = "0.1.0"
        self.corrupt_times: dict[str, int] = {}
        self.refused_names: set[str] = set()
        self.forgets: set[str] = set()
        self.has_everything = False
        self.max_file_bytes = 1 << 40
        self.agent_version_min = "0.1.0"
        self.lock = threading.RLock()

        class PortalDoor(Door):
            pass

        PortalDoor.portal = self
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), PortalDoor)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def dataset(self) -> StoredDataset:
        """The only one."""
        (dataset,) = self.datasets.values()
        return dataset

    @property
    def bundles(self) -> list[StoredBundle]:
        return [upload for upload in self.uploads.values() if isinstance(upload, StoredBundle)]

    def take_bundles(self) -> None:
        """From now on this is a portal that knows of them."""
        self.bundle_rules = dict(RULES)

    def asked(self, method: str, prefix: str) -> int:
        return sum(1 for seen, path in self.requests if seen == method and path.startswith(prefix))

    def answer(self, door: Door, method: str, path: str) -> Answer:
        if door.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refusal(401, "token_unknown", "This token is not known. Check that it was copied whole.")
        if path.startswith("/tus/"):
            return self._tus(door, method, path.removeprefix("/tus/"))
        place, _, query = path.partition("?")
        return self._api(method, place.removeprefix("/api/v1/").split("/"), door.json_body | dict(parse_qsl(query)))

    # The JSON API.

    def _api(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:  # noqa: PLR0911 one a route
        with self.lock:
            match method, path:
                case "GET", ["connection"]:
                    return 200, self._connection(), {}
                case "POST", ["datasets"]:
                    return self._create_dataset(body)
                case "GET", ["datasets", dataset_id]:
                    return 200, self._known(dataset_id).document(self.url), {}
                case "POST", ["datasets", dataset_id, "files"]:
                    return 200, {"files": list(self._announce(self._known(dataset_id), body["files"]))}, {}
                case "POST", ["datasets", dataset_id, "files", "query"]:
                    files = self._known(dataset_id).files
                    return 200, {"files": [files[path].document() for path in body["paths"] if path in files]}, {}
                case "GET", ["datasets", dataset_id, "files"]:
                    return 200, self._list(self._known(dataset_id), body), {}
                case "POST", ["datasets", dataset_id, "files", "withdraw"] if self.knows_withdrawing:
                    return 200, {"files": self._withdraw(self._known(dataset_id), body["paths"])}, {}
                case "GET", ["bundles", upload_id]:
                    return 200, self._bundle(upload_id), {}
                case "POST", ["datasets", dataset_id, "close"]:
                    return self._close(self._known(dataset_id))
        raise Refusal(404, "not_found", "There is nothing here.")

    def _connection(self) -> dict[str, Any]:
        return {
            "portal_version": "0.1.0",
            "project": {"code": "CRYO", "name": "Cryo"},
            "instrument": {"slug": "krios", "name": "Krios"},
            "token_label": "Ada",
            "expires_at": None,
            "tus_endpoint": f"{self.url}/tus/",
            "max_file_bytes": self.max_file_bytes,
            "max_path_bytes": 1024,
            "agent_version_min": self.agent_version_min,
            "agent_version_latest": self.agent_version_latest,
        } | ({"bundles": self.bundle_rules} if self.bundle_rules else {})

    def _known(self, dataset_id: str) -> StoredDataset:
        if dataset_id not in self.datasets:
            raise Refusal(404, "not_found", "There is no such dataset.")
        return self.datasets[dataset_id]

    def _list(self, dataset: StoredDataset, query: dict[str, str]) -> dict[str, Any]:
        paths = sorted(path for path, file in dataset.files.items() if file.state == query["state"])
        begin = int(query.get("cursor", "0"))
        end = begin + min(self.page, int(query["limit"]))
        files = [dataset.files[path].document() for path in paths[begin:end]]
        return {"files": files, "next": str(end) if end < len(paths) else None}

    def _withdraw(self, dataset: StoredDataset, paths: list[str]) -> list[dict[str, Any]]:
        for path in paths:
            if path in dataset.files and dataset.files[path].state in ("expected", "corrupt"):
                del dataset.files[path]
        return [dataset.files[path].document() for path in paths if path in dataset.files]

    def _bundle(self, upload_id: str) -> dict[str, Any]:
        bundle = self.uploads.get(upload_id)
        if not isinstance(bundle, StoredBundle):
            raise Refusal(404, "not_found", "There is no such bundle.")
        if bundle.state == "received" and self.unpacks:
            self._unpack(bundle)
        return bundle.document()

    def _unpack(self, bundle: StoredBundle) -> None:
        if self.unreadable_bundles:
            self.unreadable_bundles -= 1
            bundle.state, bundle.reason = "refused", "Its manifest cannot be read."
            return
        corrupt = self.corrupt_times
        for member in unpack(bundle, refused_names=self.refused_names, corrupt_times=corrupt):
            path = unicodedata.normalize("NFC", member.path)
            is_bad = any(entry["path"] == path for entry in bundle.bad)
            actual = hashlib.sha256(member.content).hexdigest()
            state, size = "corrupt" if is_bad else "verified", len(member.content)
            file = StoredFile(path, size, member.mtime_ns, member.sha256, state, actual)
            bundle.dataset.files[path] = file
            self.received[path] = self.received.get(path, 0) + size

    def _create_dataset(self, body: dict[str, Any]) -> Answer:
        wrong = [address for address in body["recipients"] if address.endswith(".invalid")]
        if wrong:
            raise Refusal(422, "invalid", f"{wrong[0]} is no e-mail address. Correct it.")
        for dataset in self.datasets.values():
            if dataset.request["client_key"] == body["client_key"]:
                return 200, dataset.document(self.url), {}
        dataset = StoredDataset(str(uuid.uuid4()), body)
        self.datasets[dataset.id] = dataset
        return 201, dataset.document(self.url), {}

    def _announce(self, dataset: StoredDataset, entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        assert len(entries) <= 1000
        bad = [entry["path"] for entry in entries if entry["path"] in self.refused_names]
        if bad:
            message = "This name is not possible here. Rename the file."
            raise Refusal(422, "invalid", "Some names are not possible.", files=[
                {"path": path, "message": message} for path in bad
            ])  # fmt: skip
        if dataset.state != "open":
            raise Refusal(409, "dataset_closed", "The dataset is closed.")
        for entry in entries:
            file = self._upsert(dataset, entry)
            yield file.document() | {"sent_path": entry["path"]}

    def _upsert(self, dataset: StoredDataset, entry: dict[str, Any]) -> StoredFile:
        path = unicodedata.normalize("NFC", entry["path"])
        told = StoredFile(path, entry["size"], entry.get("mtime_ns"), entry.get("sha256"))
        if self.has_everything:
            told.stated, told.state = told.stated or NOTHING, "verified"
        file = dataset.files.get(path)
        if file is None or file.is_another_version(told):
            file = dataset.files[path] = told
        elif told.stated is not None:
            file.stated = told.stated
            self._verify(file)
        return file

    def _close(self, dataset: StoredDataset) -> Answer:
        if dataset.state != "open":
            raise Refusal(409, "already_closed", "The dataset is closed already.")
        missing = [
            {"path": file.path, "state": file.state}
            for file in dataset.files.values()
            if file.state in ("expected", "corrupt") or (file.state == "received" and file.stated is None)
        ]
        bundles = [bundle.id for bundle in self.bundles if bundle.dataset is dataset and bundle.state == "receiving"]
        if missing or bundles:
            told: dict[str, Any] = {"count": len(missing), "files": missing[:50], "bundles": bundles}
            raise Refusal(409, "files_missing", f"{len(missing)} files are missing.", **told)
        dataset.state = "closed"
        return 200, dataset.document(self.url), {}

    def _verify(self, file: StoredFile) -> None:
        if file.actual is None or file.stated is None:
            return
        spoiled = self.corrupt_times.get(file.path, 0)
        if spoiled:
            self.corrupt_times[file.path] = spoiled - 1
        good = file.actual == file.stated and not spoiled
        file.state, file.reason = ("verified", "") if good else ("corrupt", "Read back with another digest.")

    # tus.

    def _tus(self, door: Door, method: str, upload_id: str) -> Answer:
        assert door.headers["Tus-Resumable"] == "1.0.0"
        if method == "POST":
            with self.lock:
                upload = self._create_upload(door)
            with upload.writing:
                self._take(door, upload)
            place = {"Location": f"http://another.host/tus/{upload.id}", "Upload-Offset": str(upload.offset)}
            return 201, None, place
        if upload_id not in self.uploads:
            raise Refusal(404, "not_found", "There is no such upload.")
        upload = self.uploads[upload_id]
        with upload.writing:
            return self._go_on(door, method, upload)

    def _go_on(self, door: Door, method: str, upload: StoredUpload | StoredBundle) -> Answer:
        """One request at a time: a newer one waits until a broken-off one has drained."""
        if method == "DELETE":
            del self.uploads[upload.id]
            return 204, None, {}
        if method == "PATCH":
            self._patch(door, upload)
        return (
            200 if method == "HEAD" else 204,
            None,
            {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length), "Cache-Control": "no-store"},
        )

    def _create_upload(self, door: Door) -> StoredUpload | StoredBundle:
        metadata = dict(_decode_metadata(door.headers["Upload-Metadata"]))
        if metadata.get("kind") == "bundle":
            return self._create_bundle(metadata, int(door.headers["Upload-Length"]))
        dataset, path = self._known(metadata["dataset"]), metadata["path"]
        file = dataset.files[path]
        length = int(door.headers["Upload-Length"])
        if file.size != length:
            raise Refusal(422, "invalid", "The file was announced with another size.")
        if dataset.state != "open" and file.state != "corrupt":
            raise Refusal(409, "dataset_closed", "The dataset is closed: it takes no more files.")
        upload = StoredUpload(uuid.uuid4().hex, dataset, path, length, metadata.get("sha256"))
        self.uploads[upload.id] = upload
        return upload

    def _create_bundle(self, metadata: dict[str, str], length: int) -> StoredBundle:
        dataset = self._known(metadata["dataset"])
        refuse_bad_metadata(metadata, length, self.bundle_rules)
        if dataset.state != "open":
            raise Refusal(409, "dataset_closed", "The dataset is closed: it takes no more files.")
        bundle = StoredBundle(dataset, length, int(metadata["files"]), int(metadata["manifest"]))
        self.uploads[bundle.id] = bundle
        return bundle

    def _patch(self, door: Door, upload: StoredUpload | StoredBundle) -> None:
        assert door.headers["Content-Type"] == "application/offset+octet-stream"
        if int(door.headers["Upload-Offset"]) != upload.offset:
            raise Refusal(409, "wrong_offset", f"The upload is at byte {upload.offset}.")
        self._take(door, upload)

    def _take(self, door: Door, upload: StoredUpload | StoredBundle) -> None:
        """Keeps what arrives, also of a body that is cut."""
        for piece in door.pieces():
            if isinstance(upload, StoredBundle):
                upload.body += piece
                upload.taken += len(piece)
                continue
            upload.digest.update(piece)
            with self.lock:
                upload.offset += len(piece)
                self.received[upload.path] = self.received.get(upload.path, 0) + len(piece)
        if upload.offset == upload.length:
            with self.lock:
                self._finish(upload)

    def _finish(self, upload: StoredUpload | StoredBundle) -> None:
        if isinstance(upload, StoredBundle):
            upload.state = "received"
            return
        if upload.path in self.forgets:
            self.forgets.remove(upload.path)
            return
        file = upload.dataset.files[upload.path]
        file.actual, file.state = upload.digest.hexdigest(), "received"
        file.stated = upload.sha256 or file.stated
        self._verify(file)


def _decode_metadata(header: str) -> Iterator[tuple[str, str]]:
    for pair in header.split(","):
        key, _, value = pair.partition(" ")
        yield key, base64.b64decode(value).decode()


@contextmanager
def listening_nowhere() -> Iterator[str]:
    """The address of a port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
