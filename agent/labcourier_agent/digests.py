"""A list of digests that `sha256sum -c` reads, as it lies beside the data on a disk that is carried away."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from labcourier_agent.exits import BadUsage


class DigestList:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def add(self, path: str, sha256: str) -> None:
        self._stream.write(digest_line(path, sha256))


def digest_line(path: str, sha256: str) -> str:
    """As GNU coreutils writes it: names with a backslash or a line end are escaped, which a leading backslash tells."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{sha256}  {escaped}\n"


@contextmanager
def writing_digests(name: str) -> Iterator[DigestList]:
    """The file appears as a whole at the end, or not at all; until then nothing lies where one is looking.

    Errors: BadUsage.
    """
    target = Path(name).absolute()
    if not target.parent.is_dir():
        raise BadUsage(f"The list of digests {name} cannot be written: there is no folder {target.parent}.")
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as passing:
        yield DigestList(passing)
        passing.seek(0)
        try:
            _place(passing, target)
        except OSError as error:
            raise BadUsage(f"The list of digests {name} cannot be written: {error.strerror}.") from error


def _place(passing: IO[str], target: Path) -> None:
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            shutil.copyfileobj(passing, stream)
            stream.flush()
            os.fsync(stream.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
