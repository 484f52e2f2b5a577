"""The loopback portal with what commands that only look ask for, in short pages."""

from __future__ import annotations

from typing import Any

from tests.agent.loopback_door import Answer, Door
from tests.agent.loopback_portal import LoopbackPortal, StoredDataset, StoredFile


class PortalToLookAt(LoopbackPortal):
    """`safe_since`: what its datasets say about being safe to delete at the source."""

    page_size = 2

    def __init__(self) -> None:
        super().__init__()
        self.safe_since: str | None = None
        self.heartbeats: list[dict[str, Any]] = []
        self.connection_more: dict[str, Any] = {}
        self.tus_versions = "1.0.0"

    def answer(self, door: Door, method: str, path: str) -> Answer:
        if method == "OPTIONS":
            return 204, None, {"Tus-Version": self.tus_versions}
        return super().answer(door, method, path)

    def put(self, dataset: StoredDataset, path: str, size: int, sha256: str, state: str = "verified") -> None:
        dataset.files[path] = StoredFile(path, size, None, sha256, state, sha256)

    def _api(self, method: str, path: list[str], body: dict[str, Any]) -> Answer:
        match method, path:
            case "GET", ["datasets"]:
                return self._list_datasets(body)
            case "GET", ["datasets", dataset_id, "files"]:
                return self._list_files(self._known(dataset_id), body)
            case "GET", ["datasets", dataset_id]:
                return 200, self._known(dataset_id).document(self.url) | {"safe_to_delete_since": self.safe_since}, {}
            case "POST", ["heartbeat"]:
                self.heartbeats.append(body)
                return 200, {"server_time": "2026-11-20T18:20:37Z", "agent_version_latest": "0.1.0"}, {}
        return super()._api(method, path, body)

    def _connection(self) -> dict[str, Any]:
        return super()._connection() | self.connection_more

    def _list_datasets(self, asked: dict[str, str]) -> Answer:
        """Newest first, whatever name is asked for: an older portal knows no filter."""
        datasets = [dataset.document(self.url) for dataset in reversed(self.datasets.values())]
        start = int(asked.get("cursor", "0"))
        more = start + self.page_size < len(datasets)
        page = datasets[start : start + self.page_size]
        return 200, {"datasets": page, "next": str(start + self.page_size) if more else None}, {}

    def _list_files(self, dataset: StoredDataset, asked: dict[str, str]) -> Answer:
        wanted = asked.get("state")
        files = [file for path, file in sorted(dataset.files.items()) if path > asked.get("cursor", "")]
        files = [file for file in files if wanted in (None, file.state)]
        page = files[: self.page_size]
        after = page[-1].path if len(files) > len(page) else None
        return 200, {"files": [file.document() for file in page], "next": after}, {}
