"""What an instrument PC sends while the server crashes, and how it goes on afterwards from what was acknowledged."""

import hashlib
import json
import random
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from portal.models import DataFile, Dataset
from portal.storage import file_key, received_key, store
from tests.bundle_samples import Sample, make_bundle
from uploads.models import Bundle
from uploads.services.stop import staging_area
from uploads.services.work import verify_waiting

_chance = random.Random(31)  # noqa: S311  (the same bytes each time)
LARGE, SMALL, JOINED = "large.mrc", "folder/small.tif", "joined.mrc"
PARTS = {"part 1": _chance.randbytes(30_000), "part 2": _chance.randbytes(45_000)}
FILES = {LARGE: _chance.randbytes(260_000), SMALL: _chance.randbytes(7_000), JOINED: b"".join(PARTS.values())}
MEMBERS = {f"many/{number}.tif": _chance.randbytes(9_000 + number) for number in range(6)}
BUNDLE = "bundle"
TAR, MANIFEST_AT = make_bundle([Sample(path, data) for path, data in MEMBERS.items()])
CONTENT = FILES | PARTS | {BUNDLE: TAR}
KEY = "7d1f0f5e-6f0e-4d4c-9c57-0d4f5b1a2c3e"
CUTS = (0, 90_000, 200_000, 260_000)


class Pc:
    """Notes each acknowledgement outside of the server before it goes on; begins with those noted before."""

    def __init__(self, secret: str, notes: Path, acknowledging: Callable[[], None] = lambda: None) -> None:
        self._acknowledging = acknowledging
        self._client = Client(headers={"Authorization": f"Bearer {secret}", "Tus-Resumable": "1.0.0"})
        self._notes = notes
        lines = notes.read_text().splitlines() if notes.exists() else []
        self.acknowledged: dict[str, tuple[str, int]] = {
            name: (at, offset) for name, at, offset in map(json.loads, lines)
        }

    def tell(self, later: timedelta = timedelta(0)) -> None:
        """The whole story; what was acknowledged before is gone on with. The worker comes so much `later`."""
        self.send(LARGE, self.resume(LARGE) or self.create(LARGE))
        self.resume(SMALL) or self.create(SMALL, CONTENT[SMALL])
        for name in PARTS:
            self.send(name, self.resume(name) or self.create(name, concat="partial"))
        parts = " ".join(self.acknowledged[name][0] for name in PARTS)
        self.resume(JOINED) or self.create(JOINED, concat=f"final;{parts}")
        self.send(BUNDLE, self.resume(BUNDLE) or self.create(BUNDLE))
        verify_waiting(clock=lambda: timezone.now() + later)
        check_all_verified()
        self.close()

    def create(self, name: str, body: bytes = b"", concat: str = "") -> str:
        headers = {"Upload-Concat": concat} if concat else {}
        if not concat.startswith("final"):
            headers["Upload-Length"] = str(len(CONTENT[name]))
        if concat != "partial":
            values = self._description(name)
            headers["Upload-Metadata"] = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in values.items())
        answer = self._ask("POST", "/tus/", body, headers)
        assert answer.status_code == 201, f"creating {name}: {answer.status_code} {answer.content!r}"
        self._note(name, answer["Location"], int(answer.get("Upload-Offset", 0)))
        return str(answer["Location"])

    def send(self, name: str, address: str) -> None:
        cuts = CUTS if name == LARGE else (len(CONTENT[name]) // 2, len(CONTENT[name]))
        while (offset := self.acknowledged[name][1]) < len(CONTENT[name]):
            end = min(cut for cut in cuts if cut > offset)
            answer = self._ask("PATCH", address, CONTENT[name][offset:end], {"Upload-Offset": str(offset)})
            assert answer.status_code == 204, f"sending {name}: {answer.status_code} {answer.content!r}"
            self._note(name, address, int(answer["Upload-Offset"]))

    def resume(self, name: str) -> str:
        """Address of an upload that was acknowledged, after looking that all of it is there; else empty."""
        if name not in self.acknowledged:
            return ""
        address, acknowledged = self.acknowledged[name]
        answer = self._ask("HEAD", address)
        assert answer.status_code == 200, f"{name} was acknowledged, then {answer.status_code}"
        offset = int(answer["Upload-Offset"])
        assert offset >= acknowledged, f"{name}: {acknowledged - offset} acknowledged bytes are lost"
        if not is_unpacked(name):
            there = stored(name, address.rpartition("/")[2])
            assert there[:offset] == CONTENT[name][:offset], f"{name} has other bytes"
        self._note(name, address, offset)
        return address

    def dataset(self) -> str:
        """Its id; asked again with the same key, the portal answers with the same dataset."""
        answer = self._post_json("/api/v1/datasets", {"client_key": KEY, "title": "Run 7"})
        return str(answer.json()["id"])

    def close(self) -> None:
        """Twice too, when an answer was lost. A bundle whose address never arrived is taken back."""
        answer = self._post_json(f"/api/v1/datasets/{self.dataset()}/close", {})
        if answer.status_code == 409 and answer.json()["code"] == "files_missing":
            for bundle in answer.json()["detail"]["bundles"]:
                self._ask("DELETE", f"/tus/{bundle}")
            answer = self._post_json(f"/api/v1/datasets/{self.dataset()}/close", {})
        assert answer.status_code == 200 or answer.json()["code"] == "already_closed", answer.content
        assert Dataset.objects.get(client_key=KEY).state == Dataset.State.RELEASED

    def _description(self, name: str) -> dict[str, str]:
        if name == BUNDLE:
            counts = {"files": str(len(MEMBERS)), "manifest": str(MANIFEST_AT)}
            return {"kind": "bundle", "dataset": self.dataset(), **counts}
        return {"path": name, "dataset": self.dataset(), "sha256": hashlib.sha256(CONTENT[name]).hexdigest()}

    def _post_json(self, address: str, document: dict[str, str]) -> Any:
        return self._client.post(address, document, content_type="application/json")

    def _ask(self, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        kind = "application/offset+octet-stream" if body or method == "PATCH" else ""
        return self._client.generic(method, address, body, content_type=kind, headers=headers or {})

    def _note(self, name: str, address: str, offset: int) -> None:
        self._acknowledging()
        self.acknowledged[name] = (address, offset)
        with self._notes.open("a") as notes:
            notes.write(json.dumps([name, address, offset]) + "\n")


def is_unpacked(name: str) -> bool:
    """A bundle is gone then, and its files are looked at in the end."""
    return name == BUNDLE and Bundle.objects.filter(state=Bundle.State.UNPACKED).exists()


def stored(name: str, upload_id: str) -> bytes:
    """The bytes of an upload, wherever they lie by now."""
    places = [store().path(received_key(upload_id)), staging_area().path(upload_id)]
    if file := DataFile.objects.filter(path=name).select_related("dataset__project").first():
        places.insert(0, store().path(file_key(file.dataset, file)))
    return next((place.read_bytes() for place in places if place.exists()), b"")


def check_all_verified() -> None:
    files = {file.path: file for file in DataFile.objects.select_related("dataset__project")}
    states = {path: file.state for path, file in files.items()}
    assert states == dict.fromkeys(FILES | MEMBERS, DataFile.State.VERIFIED), states
    for path, file in files.items():
        assert store().path(file_key(file.dataset, file)).read_bytes() == (FILES | MEMBERS)[path], (
            f"{path} has other bytes than its sender's"
        )
