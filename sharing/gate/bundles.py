"""Many small files in one answer, for programs: an uncompressed tar of exactly known length.

It is not resumed but asked for again, without the files that arrived whole; so it is kept small.
"""

from collections.abc import Iterator, Sequence

import structlog
from django.db import Error as DatabaseError
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from dataplane.errors import DataplaneError
from dataplane.tarstream import TarMember, tar_bytes, tar_size
from dataplane.ziplayout import SourceSlice
from portal.actors import Actor
from portal.errors import TooLarge
from portal.models import DataFile, Dataset
from portal.templatetags.quantities import size_text
from sharing.access import link_of_member
from sharing.errors import FileUnreadable
from sharing.gate.downloads import limit_silence
from sharing.gate.sources import opening_of, release_connection, source_of
from sharing.gate.streams import excuse, read_first, report_unreadable
from sharing.models import ShareLink
from sharing.services.bundled import Bundled, begin_bundle, end_bundle

MOST_FILES = 1000
MOST_BYTES = 256 * 1024 * 1024
SMALL = 4 * 1024 * 1024  # bytes; what is larger gains nothing by company

log = structlog.get_logger(__name__)


def send_bundle(
    request: HttpRequest, dataset: Dataset, files: Sequence[DataFile], actor: Actor, link: ShareLink | None = None
) -> StreamingHttpResponse:
    """The answer, with `files` in this order. Raises TooLarge; FileUnreadable when the first one cannot be read."""
    if (size := sum(file.size for file in files)) > MOST_BYTES:
        raise TooLarge(
            f"These files have {size_text(size)}; at most {size_text(MOST_BYTES)} come in one bundle. Ask for fewer."
        )
    members = [_member(file) for file in files]
    now = timezone.now()
    theirs = link or link_of_member(dataset, actor, now)
    bundled = Bundled(dataset, theirs, actor, files, dataset.revision, tar_size(members))
    begin_bundle(bundled=bundled, now=now)
    pieces = _recorded(_started(members, bundled), bundled)
    limit_silence(request)
    headers = {"Content-Length": str(bundled.total), "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type="application/x-tar", headers=headers)


def _member(file: DataFile) -> TarMember:
    whole = SourceSlice(file.path, 0, file.size, file.size, file.crc32 or 0, bytes.fromhex(file.sha256))
    return TarMember(whole, (file.mtime_ns or 0) // 1_000_000_000)


def _started(members: Sequence[TarMember], bundled: Bundled) -> Iterator[tuple[bytes, int]]:
    """The pieces, the first of them read already: what cannot be read at all is refused with a sentence."""
    dataset = bundled.dataset
    revision = dataset.revision
    pieces = tar_bytes(members, source_of(dataset, revision), opening=opening_of(dataset, revision))
    try:
        first = next(pieces)
    except (DataplaneError, OSError) as error:
        _write_down(bundled, 0, 0)
        report_unreadable(dataset, bundled.actor, members[0].source.path, error)
        raise FileUnreadable(excuse(error)) from error
    return read_first([first], pieces)


def _recorded(pieces: Iterator[tuple[bytes, int]], bundled: Bundled) -> Iterator[bytes]:
    """Counts what the client's connection took; runs to its `finally` also when the client leaves."""
    sent, whole = 0, 0
    release_connection()
    try:
        for piece, members in pieces:
            yield piece
            sent, whole = sent + len(piece), members
    except (DataplaneError, OSError) as error:
        report_unreadable(bundled.dataset, bundled.actor, bundled.files[whole].path, error)
        raise
    finally:
        _write_down(bundled, sent, whole)


def _write_down(bundled: Bundled, sent: int, whole: int) -> None:
    """The bytes have gone; if the database is away, the log must tell instead."""
    try:
        end_bundle(bundled=bundled, sent=sent, whole=whole, now=timezone.now())
    except DatabaseError as error:
        log.error(
            "bundle_not_recorded",
            dataset=bundled.dataset.name,
            actor=bundled.actor.label,
            sent=sent,
            files=whole,
            error=str(error),
        )
