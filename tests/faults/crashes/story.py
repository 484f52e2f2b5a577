"""What an instrument PC sends while the server crashes, and how it goes on afterwards from what was acknowledged."""

import hashlib
import json
import random
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone

from portal.models import DataFile
from portal.storage import file_key, received_key, store
from uploads.services.stop import staging_area
from uploads.services.work import verify_waiting

_chance = random.Random(31)  # noqa: S311  (the same bytes each time)
LARGE, SMALL, JOINED = "large.mrc", "folder/small.tif", "joined.mrc"
PARTS = {"part 1": _chance.randbytes(30_000), "part 2": _chance.randbytes(45_000)}
FILES = {LARGE: _chance.randbytes(260_000), SMALL: _chance.randbytes(7_000), JOINED: b"".join(PARTS.values())}
CONTENT = FILES | PARTS
CUTS = (0, 90_000, 200_000, 260_000)


class Pc:
    """Notes each acknowledgement outside of the server before it goes on; begins with those noted before."""

    def __init__(self, secret: str, notes: Path) -> None:
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
        verify_waiting(clock=lambda: timezone.now() + later)
        check_all_verified()

    def create(self, name: str, body: bytes = b"", concat: str = "") -> str:
        headers = {"Upload-Concat": concat} if concat else {}
        if not concat.startswith("final"):
            headers["Upload-Length"] = str(len(CONTENT[name]))
        if concat != "partial":
            sha256 = hashlib.sha256(CONTENT[name]).hexdigest()
            values = {"path": name, "sha256": sha256}
            headers["Upload-Metadata"] = ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in values.items())
        answer = self._ask("POST", "/tus/", body, headers)
        assert answer.status_code == 201, f"creating {name}: {answer.status_code} {answer.content!r}"
        self._note(name, answer["Location"], int(answer.get("Upload-Offset", 0)))
        return str(answer["Location"])

    def send(self, name: str, address: str) -> None:
        cuts = CUTS if name == LARGE else (0, len(CONTENT[name]))
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
        assert stored(name, address.rpartition("/")[2])[:offset] == CONTENT[name][:offset], f"{name} has other bytes"
        self._note(name, address, offset)
        return address

    def _ask(self, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Any:
        kind = "application/offset+octet-stream" if body or method == "PATCH" else ""
        return self._client.generic(method, address, body, content_type=kind, headers=headers or {})

    def _note(self, name: str, address: str, offset: int) -> None:
        self.acknowledged[name] = (address, offset)
        with self._notes.open("a") as notes:
            notes.write(json.dumps([name, address, offset]) + "\n")


def stored(name: str, upload_id: str) -> bytes:
    """The bytes of an upload, wherever they lie by now."""
    places = [store().path(received_key(upload_id)), staging_area().path(upload_id)]
    if file := DataFile.objects.filter(path=name).select_related("dataset__project").first():
        places.insert(0, store().path(file_key(file.dataset, file)))
    return next((place.read_bytes() for place in places if place.exists()), b"")


def check_all_verified() -> None:
    files = {file.path: file for file in DataFile.objects.select_related("dataset__project")}
    states = {path: file.state for path, file in files.items()}
    assert states == dict.fromkeys(FILES, DataFile.State.VERIFIED), states
    for path, file in files.items():
        assert store().path(file_key(file.dataset, file)).read_bytes() == FILES[path], (
            f"{path} has other bytes than its sender's"
        )
