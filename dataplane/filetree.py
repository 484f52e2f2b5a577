"""The folders of a zip layout, listed by arithmetic on its sorted paths: a folder costs what is shown of it."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from dataplane.ziplayout import ZipLayout

_AFTER_SLASH = b"0"  # the byte that follows "/"


class Child(NamedTuple):
    """A file, or a folder with everything below it. `path` is relative to the dataset."""

    path: str
    name: str
    is_folder: bool
    files: int
    size: int


class Listing(NamedTuple):
    """A page of a folder's children by name; `after` continues it, None at its end. The totals are the folder's."""

    children: list[Child]
    after: str | None
    files: int
    size: int


def list_folder(layout: ZipLayout, folder: str, *, after: str = "", limit: int) -> Listing | None:
    """At most `limit` children of `folder`, behind the child `after`; "" is the top. None: there is no such folder."""
    prefix = f"{folder}/".encode() if folder else b""
    first, stop = _range(layout, prefix)
    if first == stop and prefix:
        return None
    position = _position(layout, prefix + _after_key(after), first) if after else first
    children: list[Child] = []
    while position < stop and len(children) < limit:
        child, position = _child(layout, prefix, position)
        children.append(child)
    more = children and position < stop
    last = children[-1].name + ("/" if children[-1].is_folder else "") if more else None
    return Listing(children, last, stop - first, layout.bytes_of(first, stop))


def each_child(layout: ZipLayout, folder: str) -> Iterator[tuple[Child, int]]:
    """All children of `folder` by name, each with the entry it stands at; nothing when there is no such folder."""
    prefix = f"{folder}/".encode() if folder else b""
    position, stop = _range(layout, prefix)
    while position < stop:
        child, after = _child(layout, prefix, position)
        yield child, position
        position = after


def folder_range(layout: ZipLayout, folder: str) -> tuple[int, int]:
    """The first entry in `folder`, at any depth, and the one behind its last; empty when there is no such folder."""
    return _range(layout, f"{folder}/".encode())


def _child(layout: ZipLayout, prefix: bytes, position: int) -> tuple[Child, int]:
    """The child at an entry, and the entry behind it."""
    name, slash, _ = layout.path(position)[len(prefix) :].partition(b"/")
    end = _range(layout, prefix + name + b"/", position)[1] if slash else position + 1
    path = (prefix + name).decode()
    child = Child(path, name.decode(), bool(slash), end - position, layout.bytes_of(position, end))
    return child, end


def _range(layout: ZipLayout, prefix: bytes, start: int = 0) -> tuple[int, int]:
    """The entries whose paths start with `prefix`, which ends with a slash or is empty."""
    if not prefix:
        return 0, layout.file_count
    first = _position(layout, prefix, start)
    return first, _position(layout, prefix[:-1] + _AFTER_SLASH, first)


def _position(layout: ZipLayout, path: bytes, start: int) -> int:
    return bisect_left(range(layout.file_count), path, lo=start, key=layout.path)


def _after_key(after: str) -> bytes:
    """What sorts right behind a child: behind all that is in a folder, or behind the one file."""
    return after[:-1].encode() + _AFTER_SLASH if after.endswith("/") else after.encode() + b"\0"
