"""Reading a bundle: many small files in one uncompressed tar whose last member says what each must be.

A hostile tar is the normal case: only plain files count, sizes are those that the manifest announces, names are
those that the manifest says and are judged by whoever stores them. Where the frame itself is broken, so that the
next member cannot be found, the bundle is refused as a whole; a bad member spoils only itself.
Format: docs/design/bundles.md, and the pax chapter of POSIX
(https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html).
"""

import json
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from dataplane.errors import DataplaneError

MANIFEST = ".labcourier-manifest"
BLOCK = 512
MOST_FILES = 10_000
MOST_BYTES = 256 * 1024 * 1024
MOST_OF_MANIFEST = 32 * 1024 * 1024
_MOST_OF_PAX = 64 * 1024

_LINE = re.compile(rb"([0-9a-f]{64}|-{64}) ([0-9]{1,19}) (-|[0-9]{1,19}) (\".*\")")
_SKIPPED = "-" * 64
_PLAIN = (b"0", b"\0")
_PAX = b"x"
_WITHOUT_CONTENT = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
_KINDS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"5": "a folder"}
_CHECKSUM = slice(148, 156)
_LARGEST = 2**63 - 1  # what the database holds


class BundleRefused(DataplaneError):
    """The tar cannot be read to its end; the message says what is wrong with it."""


class Member(NamedTuple):
    """A file as the manifest says it; its content is `size` bytes at `offset` of the bundle.

    `sha256` is "" for one that the sender left out. `problem` is a sentence where the tar says something else.
    """

    path: str
    size: int
    mtime_ns: int | None
    sha256: str
    offset: int
    problem: str = ""


class _Header(NamedTuple):
    kind: bytes
    name: str
    size: int


def read_members(bundle: int, *, manifest_at: int, count: int) -> list[Member]:
    """The members of the tar behind the file descriptor `bundle`, in order; no content is read.

    `manifest_at` is where the manifest's header begins, `count` how many members were announced. Cost: one read of
    512 bytes for each, and memory for the list. Raises BundleRefused.
    """
    stated = _read_manifest(bundle, manifest_at, count)
    members, position = [], 0
    for member in stated:
        header, content_at = _read_header(bundle, position)
        position = content_at + _padded(_content_size(header))
        if position > manifest_at:
            raise BundleRefused("The members run into the manifest. Send the files again.")
        members.append(member._replace(offset=content_at, problem=_difference(header, member)))
    if position != manifest_at:
        raise BundleRefused("There are more members than the manifest lists. Send the files again.")
    return members


def _difference(header: _Header, member: Member) -> str:
    if header.kind not in _PLAIN:
        return f"It is {_KINDS.get(header.kind, 'no plain file')} in the bundle. Send files only."
    if header.name != member.path:
        return "The manifest and the tar give it different names. Send the file again."
    if header.size != member.size:
        return f"The tar has {header.size} bytes of it, the manifest says {member.size}. Send the file again."
    return ""


def _content_size(header: _Header) -> int:
    return 0 if header.kind in _WITHOUT_CONTENT else header.size


def _read_manifest(bundle: int, position: int, count: int) -> list[Member]:
    header, content_at = _read_header(bundle, position)
    if header.kind not in _PLAIN or header.name != MANIFEST:
        raise BundleRefused("The manifest is not where it was announced. Send the files again.")
    if header.size > MOST_OF_MANIFEST:
        raise BundleRefused(f"The manifest has {header.size} bytes; at most {MOST_OF_MANIFEST} are read.")
    body = _read(bundle, content_at, header.size).removesuffix(b"\n")
    # Counted before it is cut into lines: millions of empty ones would fill the memory.
    if (lines := body.count(b"\n") + 1) != count:
        raise BundleRefused(f"The manifest lists {lines} files; {count} were announced.")
    return list(_parse_manifest(body))


def _parse_manifest(body: bytes) -> Iterator[Member]:
    for number, line in enumerate(body.split(b"\n"), 1):
        matched = _LINE.fullmatch(line)
        if not matched:
            raise _bad_line(number)
        digest, size, mtime_ns, path = matched.groups()
        try:
            stated = json.loads(path)
        except ValueError as error:
            raise _bad_line(number) from error
        when = None if mtime_ns == b"-" else int(mtime_ns)
        if int(size) > _LARGEST or (when or 0) > _LARGEST:
            raise _bad_line(number)
        sha256 = digest.decode()
        yield Member(stated, int(size), when, "" if sha256 == _SKIPPED else sha256, offset=0)


def _bad_line(number: int) -> BundleRefused:
    return BundleRefused(f"Line {number} of the manifest is none: digest, size, time and a quoted path are wanted.")


def _read_header(bundle: int, position: int) -> tuple[_Header, int]:
    """The header at `position`, with the name of a pax record before it if there is one, and where content begins."""
    header = _parse_header(_read(bundle, position, BLOCK), position)
    if header.kind != _PAX:
        return header, position + BLOCK
    if header.size > _MOST_OF_PAX:
        raise BundleRefused(f"The extended header at byte {position} is too long. Send the files again.")
    name = _pax_name(_read(bundle, position + BLOCK, header.size), position)
    position += BLOCK + _padded(header.size)
    plain = _parse_header(_read(bundle, position, BLOCK), position)
    return plain._replace(name=name or plain.name), position + BLOCK


def _parse_header(block: bytes, position: int) -> _Header:
    try:
        checksum = int(block[_CHECKSUM].strip(b" \0"), 8)
        size = int(block[124:136].strip(b" \0") or b"0", 8)
        name = block[:100].partition(b"\0")[0].decode()
        prefix = block[345:500].partition(b"\0")[0].decode() if block[257:263] == b"ustar\0" else ""
    except ValueError as error:
        raise _broken(position) from error
    if checksum != sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ") or size < 0:
        raise _broken(position)
    return _Header(block[156:157], f"{prefix}/{name}" if prefix else name, size)


def _pax_name(records: bytes, position: int) -> str:
    """The `path` record, "" when there is none. Each record is `LENGTH key=value` and a line end."""
    name, start = "", 0
    while start < len(records):
        length, _, _ = records[start : start + 20].partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(records) - start:
            raise _broken(position)
        key, _, value = records[start + len(length) + 1 : start + int(length) - 1].partition(b"=")
        if key == b"path":
            try:
                name = value.decode()
            except ValueError as error:
                raise _broken(position) from error
        elif key == b"size" or key.startswith(b"GNU.sparse"):
            raise BundleRefused(f"The extended header at byte {position} says more than a name. Send plain files.")
        start += int(length)
    return name


def _broken(position: int) -> BundleRefused:
    return BundleRefused(f"There is no tar header at byte {position} of the bundle. Send the files again.")


def _read(bundle: int, position: int, size: int) -> bytes:
    found = os.pread(bundle, size, position)
    if len(found) != size:
        raise BundleRefused(f"The bundle ends at byte {position + len(found)}, in the middle. Send the files again.")
    return found


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
