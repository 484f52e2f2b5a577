"""Several uploads' bytes behind each other in one: the parts stay as they are, so that it can be begun again."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from dataplane.errors import StagingMissing, StagingShort, TakenOver
from dataplane.staging_writer import StagingWriter

COPY_AT_ONCE = 16 * 1024 * 1024
RECORD_EVERY = 256 * 1024 * 1024


@dataclass(frozen=True)
class Part:
    path: Path
    length: int


def join_parts(
    parts: Sequence[Part],
    writer: StagingWriter,
    *,
    record: Callable[[int], None],
    stop_requested: Callable[[], bool],
) -> None:
    """Copy what is behind the writer's offset, and record each durable offset on the way and at the end.

    Raises StagingMissing and StagingShort before anything is copied, TakenOver, NoRoom and SyncFailed.
    """
    with ExitStack() as opened:
        start = 0
        sources = [_open(part, opened) for part in parts]
        for source, part in zip(sources, parts, strict=True):
            while start <= writer.offset < start + part.length:
                if stop_requested():
                    raise TakenOver("A newer request for this upload took over. Ask for it again.")
                within = writer.offset - start
                if not writer.copy(source, within, min(COPY_AT_ONCE, part.length - within)):
                    raise _short(part)
                if writer.offset - writer.synced >= RECORD_EVERY:
                    record(writer.sync())
            start += part.length
    if writer.offset > writer.synced:
        record(writer.sync())


def _open(part: Part, opened: ExitStack) -> int:
    try:
        descriptor = os.open(part.path, os.O_RDONLY)
    except FileNotFoundError as error:
        raise StagingMissing("A part of the upload is missing. Check that the staging volume is mounted.") from error
    opened.callback(os.close, descriptor)
    if os.fstat(descriptor).st_size < part.length:
        raise _short(part)
    return descriptor


def _short(part: Part) -> StagingShort:
    return StagingShort(
        f"Part {part.path.name}: {part.length} bytes were acknowledged but fewer are on disk. Check the disk and have "
        "the file sent again."
    )
