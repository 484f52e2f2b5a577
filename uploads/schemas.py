"""The JSON that the agent and the portal exchange under /api/v1."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from ninja import Field, Schema
from pydantic import AfterValidator, StringConstraints

from portal.models import DataFile, Dataset
from uploads.models import Bundle

MAX_FILES = 1000
BIGGEST = 2**63 - 1


def _printable(text: str) -> str:
    """Line breaks and tabs may stand in descriptions; other control characters are no text."""
    if any((letter < " " and letter not in "\n\r\t") or letter == "\x7f" for letter in text):
        raise ValueError("contains a control character; remove it")
    return text


Printable = AfterValidator(_printable)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), Printable]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), Printable]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Printable]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000), Printable]
Value = Annotated[str, StringConstraints(max_length=2000), Printable]
Address = Annotated[str, StringConstraints(max_length=254), Printable]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]
Size = Annotated[int, Field(ge=0, le=BIGGEST, strict=True)]
Nanoseconds = Annotated[int, Field(ge=-BIGGEST, le=BIGGEST, strict=True)]


class DatasetIn(Schema):
    client_key: UUID
    name: Line = ""
    title: Title
    description: Text = ""
    keywords: Annotated[list[Word], Field(max_length=50)] = []
    metadata: Annotated[dict[Word, Value], Field(max_length=200)] = {}
    investigation: Line = ""
    recipients: Annotated[list[Address], Field(max_length=100)] = []
    project: Word | None = None


class Counts(Schema):
    """`expected`: all files announced, of which `received` wait for verification. Sizes in bytes."""

    expected: int
    received: int
    verified: int
    corrupt: int
    bytes_expected: int
    bytes_verified: int


class BundlesOut(Schema):
    """Bundles whose files are not all in the dataset yet, with what they hold."""

    waiting: int
    files: int
    bytes: int


class DatasetOut(Schema):
    id: UUID
    name: str
    state: str
    title: str
    url: str
    revision: int
    counts: Counts
    bundles: BundlesOut
    recipients: list[str]
    created_at: datetime
    released_at: datetime | None
    safe_to_delete_since: datetime | None

    @classmethod
    def of(cls, dataset: Dataset, url: str, bundles: BundlesOut) -> Self:
        """Cost: one query for the recipients, unless they were prefetched."""
        return cls(
            id=dataset.pk,
            name=dataset.name,
            state=dataset.state,
            title=dataset.title,
            url=url,
            revision=dataset.revision,
            counts=Counts(
                expected=dataset.file_count,
                received=dataset.received_count,
                verified=dataset.verified_count,
                corrupt=dataset.corrupt_count,
                bytes_expected=dataset.bytes_expected,
                bytes_verified=dataset.bytes_verified,
            ),
            bundles=bundles,
            recipients=[recipient.email for recipient in dataset.recipients.all()],
            created_at=dataset.created_at,
            released_at=dataset.released_at,
            safe_to_delete_since=None if dataset.is_gone else dataset.safe_to_delete_since,
        )


class DatasetsOut(Schema):
    datasets: list[DatasetOut]
    next: str | None


class FileIn(Schema):
    path: str
    size: Size
    mtime_ns: Nanoseconds | None = None
    sha256: Sha256 | None = None


class FilesIn(Schema):
    files: Annotated[list[FileIn], Field(max_length=MAX_FILES)]


class FileOut(Schema):
    """`reason`: a sentence when the file is corrupt."""

    path: str
    size: int
    state: str
    sha256: str | None
    reason: str = ""

    @classmethod
    def of(cls, file: DataFile) -> Self:
        return cls(
            path=file.path,
            size=file.size,
            state=file.state,
            sha256=file.sha256 or None,
            reason=file.reason,
        )


class AnnouncedFileOut(Schema):
    """`path` as it is stored, `sent_path` as it was given."""

    path: str
    sent_path: str
    size: int
    state: str
    sha256: str | None


class AnnouncedFilesOut(Schema):
    files: list[AnnouncedFileOut]


class PathsIn(Schema):
    paths: Annotated[list[str], Field(max_length=MAX_FILES)]


class FilesOut(Schema):
    files: list[FileOut]


class FilesPageOut(Schema):
    files: list[FileOut]
    next: str | None


class BadMemberOut(Schema):
    """`state`: corrupt (has a file, can be sent again), invalid (cannot be stored so) or skipped (by the sender)."""

    path: str
    sha256: str
    state: str
    reason: str


class BundleOut(Schema):
    """All `files` members but the `bad` ones are verified once the state is unpacked."""

    id: str
    state: str
    files: int
    verified: int
    bytes: int
    reason: str
    bad: list[BadMemberOut]

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        return cls(
            id=bundle.pk,
            state=bundle.state,
            files=bundle.file_count,
            verified=bundle.verified_count,
            bytes=bundle.bytes_verified,
            reason=bundle.reason,
            bad=[BadMemberOut(**bad) for bad in bundle.bad],
        )


class BundleRulesOut(Schema):
    """Files of at most `threshold` bytes travel in bundles of at most `max_bytes` and `max_files`."""

    max_bytes: int
    max_files: int
    threshold: int


class ProjectOut(Schema):
    code: str
    name: str


class InstrumentOut(Schema):
    slug: str
    name: str


class MetadataFieldOut(Schema):
    """What the instrument asks of a dataset in the browser; an agent may offer it, too. No choices: free text."""

    name: str
    label: str
    required: bool
    choices: list[str]
    help: str


class ConnectionOut(Schema):
    portal_version: str
    project: ProjectOut | None
    instrument: InstrumentOut | None
    token_label: str
    expires_at: datetime | None
    tus_endpoint: str
    max_file_bytes: int
    max_path_bytes: int
    agent_version_min: str
    agent_version_latest: str
    server_time: datetime
    metadata_template: list[MetadataFieldOut]
    bundles: BundleRulesOut
