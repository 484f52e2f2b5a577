"""The JSON that programs with a share link exchange with the portal under /api/v1/shared."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from django.utils import timezone
from ninja import Field, Schema
from pydantic import StringConstraints, field_validator

from portal.models import DataFile, Dataset
from sharing.forms import SHORTEST_PASSWORD
from sharing.gate.bundles import MOST_BYTES, MOST_FILES, SMALL
from sharing.layouts import layout_of
from sharing.models import LONGEST_DAYS
from sharing.services.by_hand import MOST_RECIPIENTS

Path = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class BundleRulesOut(Schema):
    """What one bundle holds at most, in bytes and files; files up to `threshold` bytes should come so."""

    max_bytes: int
    max_files: int
    threshold: int


class ContentOut(Schema):
    """What can be fetched. `files` and `bytes` are those verified by now; more may come until `state` is released."""

    name: str
    title: str
    state: str
    revision: int
    files: int
    bytes: int
    manifest_name: str
    server_time: datetime
    bundles: BundleRulesOut

    @classmethod
    def of(cls, dataset: Dataset, **more: object) -> Self:
        """`more`: what a subclass adds."""
        known = {
            "name": dataset.name,
            "title": dataset.title,
            "state": dataset.state,
            "revision": dataset.revision,
            "files": dataset.verified_count,
            "bytes": dataset.bytes_verified,
            "manifest_name": layout_of(dataset).manifest_path,
            "server_time": timezone.now(),
            "bundles": BundleRulesOut(max_bytes=MOST_BYTES, max_files=MOST_FILES, threshold=SMALL),
        }
        return cls.model_validate(known | more)


class SharedOut(ContentOut):
    """What a link opens, and until when."""

    expires_at: datetime


class SharedFileOut(Schema):
    """`address` is relative to the portal's; it takes Range and If-Range, its ETag is the quoted sha256."""

    path: str
    size: int
    mtime_ns: int | None
    sha256: str
    address: str

    @classmethod
    def of(cls, file: DataFile, address: str) -> Self:
        return cls(
            path=file.path,
            size=file.size,
            mtime_ns=file.mtime_ns,
            sha256=file.sha256,
            address=address,
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


class LinkWishIn(Schema):
    """`days`: None for as many as the project has set. `occasion` makes one wish of repeated requests."""

    recipients: Annotated[list[str], Field(min_length=1, max_length=MOST_RECIPIENTS)]
    occasion: UUID
    message: Annotated[str, StringConstraints(max_length=2000)] = ""
    days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = None
    password: Annotated[str, StringConstraints(max_length=200)] = ""
    most_downloads: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @field_validator("password")
    @classmethod
    def _long_enough(cls, password: str) -> str:
        if password and len(password) < SHORTEST_PASSWORD:
            raise ValueError(f"a password has at least {SHORTEST_PASSWORD} characters")
        return password


class MoreTimeOut(Schema):
    """`until` when it was granted, `words` when it was refused."""

    state: str
    until: datetime | None
    words: str


class LinkOut(Schema):
    recipient: str
    expires_at: datetime


class LinksOut(Schema):
    links: list[LinkOut]
