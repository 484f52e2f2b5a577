"""Bundles as Python's own tarfile makes them, good and bad ones."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field

MANIFEST = ".labcourier-manifest"
SKIPPED = "-" * 64


@dataclass
class Sample:
    """A member: what the manifest says of it, and what stands in the tar where that is something else."""

    path: str
    data: bytes
    sha256: str = ""
    mtime_ns: int = 1_700_000_000_123_456_789
    stated_size: int | None = None
    stated_path: str = ""
    header: tarfile.TarInfo | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def line(self) -> str:
        size = len(self.data) if self.stated_size is None else self.stated_size
        digest = self.sha256 or hashlib.sha256(self.data).hexdigest()
        return f"{digest} {size} {self.mtime_ns} {json.dumps(self.stated_path or self.path)}\n"


def make_bundle(samples: Iterable[Sample], *, lines: Iterable[str] | None = None) -> tuple[bytes, int]:
    """The tar and where its manifest begins."""
    samples = list(samples)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for sample in samples:
            header = sample.header or tarfile.TarInfo(sample.path)
            header.name, header.pax_headers = sample.path, sample.extra
            header.size = len(sample.data) if header.isreg() else 0
            tar.addfile(header, io.BytesIO(sample.data))
        manifest_at = tar.offset
        body = "".join(lines if lines is not None else [sample.line() for sample in samples]).encode()
        header = tarfile.TarInfo(MANIFEST)
        header.size = len(body)
        tar.addfile(header, io.BytesIO(body))
    return buffer.getvalue(), manifest_at
