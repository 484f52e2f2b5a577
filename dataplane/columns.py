"""Columns of numbers and bytes in one file, written as a stream and read in place.

    magic (8 bytes), length of the whole (8), length of the header (8), header (JSON), columns at multiples of 8

Numbers are as this machine has them; the magic says how. Whoever maps the file pays for what is looked at.
"""

import json
import shutil
import struct
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Any, Self

_MAGIC = b"LCCOLS1" + sys.byteorder[:1].encode()
_HEAD = struct.Struct("=8sQQ")
_IN_MEMORY = 2**18  # bytes of a column; a larger one waits on disk


class BrokenColumns(ValueError):
    """The file is not what was written; make it again."""


class ColumnWriter:
    """Collects columns side by side, each of one type code of `array` ("B": bytes). A context manager.

    Long columns wait in temporary files in `folder`; without one all stays in memory.
    """

    def __init__(self, types: Mapping[str, str], folder: str | None = None) -> None:
        self._types = types
        self._stack = ExitStack()
        most = _IN_MEMORY if folder else 0
        waiting = {name: SpooledTemporaryFile(most, dir=folder) for name in types}  # noqa: SIM115  (the stack closes)
        self._waiting = {name: self._stack.enter_context(column) for name, column in waiting.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def add(self, name: str, values: bytes) -> None:
        self._waiting[name].write(values)

    def write(self, out: IO[bytes], facts: Mapping[str, Any]) -> None:
        """The whole file, with `facts` (as JSON can hold them) in its header."""
        sizes = {name: column.tell() for name, column in self._waiting.items()}
        header = json.dumps({"facts": facts, "columns": [(name, self._types[name], sizes[name]) for name in sizes]})
        text = _padded(header.encode())
        total = _HEAD.size + len(text) + sum(size + -size % 8 for size in sizes.values())
        out.write(_HEAD.pack(_MAGIC, total, len(text)) + text)
        for name, column in self._waiting.items():
            column.seek(0)
            shutil.copyfileobj(column, out, 2**20)
            out.write(bytes(-sizes[name] % 8))


def read_columns(content: memoryview) -> tuple[dict[str, Any], dict[str, memoryview]]:
    """The facts and the columns, which look into `content` itself. Raises BrokenColumns."""
    if len(content) < _HEAD.size:
        raise BrokenColumns("The file ends within its head.")
    magic, total, length = _HEAD.unpack(content[: _HEAD.size])
    if magic != _MAGIC or total != len(content):
        raise BrokenColumns(f"The file has {len(content)} bytes and is not of this kind, or was cut.")
    header = json.loads(bytes(content[_HEAD.size : _HEAD.size + length]))
    columns, at = {}, _HEAD.size + length
    for name, kind, size in header["columns"]:
        columns[name] = content[at : at + size].cast(kind)
        at += size + -size % 8
    return header["facts"], columns


def _padded(text: bytes) -> bytes:
    return text + b" " * (-len(text) % 8)
