"""From a request body into a staging file, so that no acknowledged byte is ever lost.

Order: write at the offset, flush, record the offset, and only then may anybody be told about it. It is
recorded at least every `RECORD_EVERY` bytes and always when the body ends, however it ends.
"""

from collections.abc import Callable
from typing import Protocol

from dataplane.errors import BodyCut, DataplaneError, NoRoom, TakenOver
from dataplane.staging import StagingWriter

PIECE = 1024 * 1024
RECORD_EVERY = 64 * 1024 * 1024


class Body(Protocol):
    """The body of a request.

    `read` gives up to `size` bytes; None when nothing came for about a second, so that the reader can look
    around; b"" at the end. Raises BodyCut when the line broke, stayed silent too long or ended early.
    """

    def read(self, size: int) -> bytes | None: ...


Record = Callable[[int], None]


def receive(
    body: Body, writer: StagingWriter, length: int, *, record: Record, stop_requested: Callable[[], bool]
) -> None:
    """Take exactly `length` bytes of `body`, from the writer's offset on.

    `record(offset)` is called with each durable offset and may raise to end it all.
    Raises BodyCut, TakenOver and NoRoom after what came was recorded; SyncFailed with nothing more recorded.
    """
    end = writer.offset + length
    while writer.offset < end:
        ending = _take(body, writer, min(end, writer.offset + RECORD_EVERY), stop_requested)
        if writer.offset > writer.synced:
            record(writer.sync())
        if ending is not None:
            raise ending


def _take(body: Body, writer: StagingWriter, until: int, stop_requested: Callable[[], bool]) -> DataplaneError | None:
    """Write until the offset is reached; the reason when it ended before."""
    try:
        while writer.offset < until:
            if stop_requested():
                return TakenOver("A newer request for this upload took over. Ask for the offset.")
            piece = body.read(min(PIECE, until - writer.offset))
            if piece == b"":
                return BodyCut("The body ended before its Content-Length. Ask for the offset, go on there.")
            writer.write(piece or b"")
    except (BodyCut, NoRoom) as error:
        return error
    return None
