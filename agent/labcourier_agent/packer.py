"""Packing: the files of a bundle are read, hashed and laid into the tar, any part of it at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from labcourier_agent.exits import SourceChanged, SourceTrouble
from labcourier_agent.packing import Layout, heading, padding
from labcourier_agent.source import PIECE, pieces_of


class Packer:
    """Used by one thread at a time. Memory: a piece of 1 MiB or two, whatever the bundle holds.

    `digests` and `skipped` speak of members by their place in the layout; a member is skipped when it could not be read
    as the version it was announced as. `seal` is called with the digests before the first byte of the manifest leaves.
    """

    def __init__(self, layout: Layout, *, sealed: bool, seal: Callable[[Sequence[str | None]], None]) -> None:
        self.layout = layout
        self.digests = [member.sha256 for member in layout.members]
        self.skipped: dict[int, SourceTrouble] = {}
        self._seal = seal
        self._sealed = sealed
        if sealed:
            for place, member in enumerate(layout.members):
                if member.sha256 is None:
                    self.skipped[place] = _changed(member.source)

    def pieces(self, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes of the tar from `start`, in pieces of about 1 MiB."""
        first, end = self.layout.member_at(start), start + length
        position = self._start_of(first)
        held: list[bytes] = []
        weight = 0
        for part in self._parts(first):
            wanted = part[max(start - position, 0) : end - position]
            position += len(part)
            held.append(wanted)
            weight += len(wanted)
            if weight >= PIECE:
                yield b"".join(held)
                held, weight = [], 0
            if position >= end:
                break
        if weight:
            yield b"".join(held)

    def hash_before(self, position: int) -> None:
        """Learns the digests of the members that are wholly before `position`: after a restart they are not known."""
        for place in range(self.layout.member_at(position)):
            if self.digests[place] is None:
                for _ in self._content(place):
                    pass

    def _start_of(self, place: int) -> int:
        return self.layout.starts[place] if place < len(self.layout.members) else self.layout.manifest_at

    def _parts(self, first: int) -> Iterator[bytes]:
        members = self.layout.members
        for place in range(first, len(members)):
            member = members[place]
            yield heading(member)
            yield from self._content(place)
            yield padding(member.signature.size)
        self.hash_before(self.layout.manifest_at)
        if not self._sealed:
            self._seal(self.digests)
            self._sealed = True
        yield self.layout.manifest(self.digests)

    def _content(self, place: int) -> Iterator[bytes]:
        """As many bytes as the layout says, in any case: zeros where the file gave none."""
        member = self.layout.members[place]
        left, digest = member.signature.size, hashlib.sha256()
        if place not in self.skipped:
            try:
                for piece in pieces_of(member.source, member.signature):
                    digest.update(piece)
                    left -= len(piece)
                    if not left:
                        self._note_digest(place, digest.hexdigest())
                    yield piece
                if not member.signature.size:
                    self._note_digest(place, digest.hexdigest())
            except SourceTrouble as trouble:
                self._skip(place, trouble)
        while left:
            zeros = bytes(min(left, PIECE))
            left -= len(zeros)
            yield zeros

    def _note_digest(self, place: int, sha256: str) -> None:
        """What was sent of another content before the line was cut cannot be taken back: then the member is skipped."""
        known = self.digests[place]
        if known is None:
            self.digests[place] = sha256
        elif known != sha256:
            self._skip(place, _changed(self.layout.members[place].source))

    def _skip(self, place: int, trouble: SourceTrouble) -> None:
        self.skipped[place] = trouble
        self.digests[place] = None
        self._sealed = False


def _changed(source: str) -> SourceChanged:
    return SourceChanged(f"{source} changed while it was being sent.")
