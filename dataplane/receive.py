"""From a request body into a staging file, so that no acknowledged byte is ever lost.

Order: write at the offset, flush, record the offset, and only then may anybody be told about it. It is
recorded at least every `RECORD_EVERY` bytes and always when the body ends, however it ends. A body that comes with a
checksum is recorded as a whole or not at all.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from dataplane.errors import BodyCut, ChecksumMismatch, DataplaneError, NoRoom, TakenOver
from dataplane.staging_writer import StagingWriter

PIECE = 1024 * 1024
RECORD_EVERY = 64 * 1024 * 1024
CHECKSUM_ALGORITHMS = ("sha1", "sha256")  # names of hashlib


class Body(Protocol):
    """The body of a request.

    `read` gives up to `size` bytes; None when nothing came for about a second, so that the reader can look
    around; b"" at the end. Raises BodyCut when the line broke, stayed silent too long or ended early.
    """

    def read(self, size: int) -> bytes | None: ...


@dataclass(frozen=True)
class Checksum:
    """What the sender says of a body; `algorithm` is one of CHECKSUM_ALGORITHMS."""

    algorithm: str
    digest: bytes


Record = Callable[[int], None]
StopRequested = Callable[[], bool]


def receive(
    body: Body,
    writer: StagingWriter,
    length: int,
    *,
    record: Record,
    stop_requested: StopRequested,
    checksum: Checksum | None = None,
) -> None:
    """Take exactly `length` bytes of `body`, from the writer's offset on.

    `record(offset)` is called with each durable offset and may raise to end it all.
    Raises BodyCut, TakenOver and NoRoom after what came was recorded; SyncFailed with nothing more recorded. With a
    checksum, ChecksumMismatch and all of these leave nothing recorded, and the space is given back.
    """
    end = writer.offset + length
    if checksum:
        _receive_checked(body, writer, end, checksum, stop_requested)
    while writer.offset < end:
        ending = _take(body, writer, min(end, writer.offset + RECORD_EVERY), stop_requested)
        if writer.offset > writer.synced:
            record(writer.sync())
        if ending is not None:
            raise ending
    if writer.offset > writer.synced:
        record(writer.sync())


def _receive_checked(
    body: Body, writer: StagingWriter, end: int, checksum: Checksum, stop_requested: StopRequested
) -> None:
    digest = hashlib.new(checksum.algorithm)
    ending = _take(body, writer, end, stop_requested, digest.update)
    if ending is None and digest.digest() != checksum.digest:
        ending = ChecksumMismatch(f"The {checksum.algorithm} of the bytes is another. Send them again.")
    if ending is not None:
        writer.discard_unsynced()
        raise ending


def _take(
    body: Body,
    writer: StagingWriter,
    until: int,
    stop_requested: StopRequested,
    look_at: Callable[[bytes], object] = lambda _: None,
) -> DataplaneError | None:
    """Write until the offset is reached; the reason when it ended before."""
    try:
        while writer.offset < until:
            if stop_requested():
                return TakenOver("A newer request for this upload took over. Ask for the offset.")
            piece = body.read(min(PIECE, until - writer.offset))
            if piece == b"":
                return BodyCut("The body ended before its Content-Length. Ask for the offset, go on there.")
            look_at(piece or b"")
            writer.write(piece or b"")
    except (BodyCut, NoRoom) as error:
        return error
    return None
