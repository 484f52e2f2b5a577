"""The JSON that programs with a share link exchange with the portal under /api/v1/shared."""

from datetime import datetime
from typing import Annotated, Self

from django.urls import reverse
from ninja import Field, Schema
from pydantic import StringConstraints

from portal.models import DataFile
from sharing.gate.bundles import MOST_FILES

Path = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BundleRulesOut(Schema):
    """What one bundle holds at most, in bytes and files; files up to `threshold` bytes should come so."""

    max_bytes: int
    max_files: int
    threshold: int


class SharedOut(Schema):
    """What a link opens. `files` and `bytes` are those verified by now; more may come until `state` is released."""

    name: str
    title: str
    state: str
    revision: int
    files: int
    bytes: int
    manifest_name: str
    expires_at: datetime
    server_time: datetime
    bundles: BundleRulesOut


class SharedFileOut(Schema):
    """`address` is relative to the portal's; it takes Range and If-Range, its ETag is the quoted sha256."""

    path: str
    size: int
    mtime_ns: int | None
    sha256: str
    address: str

    @classmethod
    def of(cls, file: DataFile, token: str) -> Self:
        return cls(
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256=file.sha256,
            address=reverse("link_file", args=[token, file.path]),
        )


class SharedFilesOut(Schema):
    files: list[SharedFileOut]
    next: str | None


class CommandOut(Schema):
    """For a shell: `text` fetches into the folder where it is run, `check` verifies what came."""

    key: str
    name: str
    text: str
    check: str


class KitOut(Schema):
    commands: list[CommandOut]


class NamedFileIn(Schema):
    path: Path
    sha256: Sha256


class NamedFilesIn(Schema):
    files: Annotated[list[NamedFileIn], Field(min_length=1, max_length=MOST_FILES)]


class VerifiedOut(Schema):
    """`verified`: how many of the files named are now known as verified; the others this link was never sent."""

    verified: int
    state: str
