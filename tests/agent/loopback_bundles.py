"""Bundles at the loopback portal: kept in memory, read by Python's own tarfile, so that the form is no private one."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import unicodedata
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.agent.loopback_door import Refusal

MANIFEST = ".labcourier-manifest"
DASHES = "-" * 64
RULES = {"max_bytes": 268435456, "max_files": 10000, "threshold": 8388608}


@dataclass
class StoredBundle:
    """`taken` counts every byte that arrived, those that arrived twice too."""

    dataset: Any
    length: int
    files: int
    manifest: int
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    body: bytearray = field(default_factory=bytearray)
    taken: int = 0
    state: str = "receiving"
    reason: str = ""
    bad: list[dict[str, Any]] = field(default_factory=list)
    writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def offset(self) -> int:
        return len(self.body)

    def document(self) -> dict[str, Any]:
        verified = self.files - len(self.bad) if self.state == "unpacked" else 0
        told = {"id": self.id, "state": self.state, "files": self.files, "verified": verified}
        return told | {"bytes": self.length, "reason": self.reason, "bad": self.bad}


@dataclass(frozen=True)
class Member:
    path: str
    content: bytes
    sha256: str
    mtime_ns: int | None


def read_bundle(bundle: StoredBundle) -> list[Member]:
    """Refusal-free reading of what was sent; asserts everything the contract says about the form."""
    with tarfile.open(fileobj=io.BytesIO(bytes(bundle.body)), mode="r:", format=tarfile.PAX_FORMAT) as tar:
        entries = tar.getmembers()
        contents = [tar.extractfile(entry).read() for entry in entries]  # type: ignore[union-attr]
    assert all(entry.isreg() for entry in entries)
    assert entries[-1].name == MANIFEST
    assert entries[-1].offset == bundle.manifest
    assert bundle.body.endswith(bytes(1024))
    lines = contents[-1].decode().splitlines()
    assert len(lines) == len(entries) - 1 == bundle.files
    return [_member(*told) for told in zip(entries[:-1], contents[:-1], lines, strict=True)]


def _member(entry: tarfile.TarInfo, content: bytes, line: str) -> Member:
    sha256, size, mtime_ns, path = line.split(" ", 3)
    assert json.loads(path) == entry.name
    assert int(size) == entry.size == len(content)
    assert len(sha256) == 64
    return Member(entry.name, content, sha256, None if mtime_ns == "-" else int(mtime_ns))


def unpack(bundle: StoredBundle, *, refused_names: set[str], corrupt_times: dict[str, int]) -> list[Member]:
    """Returns the verified and corrupt members; what is bad about the others is noted in the bundle."""
    kept = []
    for member in read_bundle(bundle):
        path = unicodedata.normalize("NFC", member.path)
        entry = {"path": path, "sha256": member.sha256}
        if member.sha256 == DASHES:
            bundle.bad.append(entry | {"state": "skipped", "reason": "It changed while it was packed."})
        elif path in refused_names:
            bundle.bad.append(entry | {"state": "invalid", "reason": "This name is not possible here."})
        else:
            kept.append(member)
            if _is_corrupt(member, path, corrupt_times):
                bundle.bad.append(entry | {"state": "corrupt", "reason": "Read back with another digest."})
    bundle.state = "unpacked"
    return kept


def _is_corrupt(member: Member, path: str, corrupt_times: dict[str, int]) -> bool:
    if corrupt_times.get(path, 0):
        corrupt_times[path] -= 1
        return True
    return hashlib.sha256(member.content).hexdigest() != member.sha256


def refuse_bad_metadata(metadata: dict[str, str], length: int, rules: dict[str, int] | None) -> None:
    if rules is None or int(metadata["files"]) > rules["max_files"] or int(metadata["manifest"]) > rules["max_bytes"]:
        raise Refusal(422, "invalid", "This bundle is not possible here.")
    assert int(metadata["manifest"]) < length
