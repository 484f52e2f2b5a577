"""One file, by itself: it goes on where it stopped, whatever stopped it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from labcourier_agent.exits import Busy, JournalTrouble, TryLater
from labcourier_agent.fetching.fetch_journal import Row
from labcourier_agent.fetching.folder import PIECE, Folder, OtherContent, WrongBytes, local
from labcourier_agent.fetching.shared_portal import RangesIgnored, SharedPortal
from labcourier_agent.fetching.stretches import Stretches
from labcourier_agent.patience import Patience

# A portal that answers, but not with this: so many times in a row.
STRIKES = 4


class LargeFile:
    """Used once, by one thread. `coming` passes the bytes on as they come; `link_works`: the portal answers.

    `stretches`: None when one connection is to bring it.
    """

    def __init__(
        self,
        row: Row,
        portal: SharedPortal,
        folder: Folder,
        coming: Callable[[Iterator[bytes]], Iterator[bytes]],
        link_works: Callable[[], bool],
        stretches: Stretches | None = None,
    ) -> None:
        self._row, self._portal, self._folder = row, portal, folder
        self._coming, self._link_works, self._stretches = coming, link_works, stretches
        self._strikes = 0

    def fetch(self, patience: Patience) -> str:
        """The mark of the file in its place, safe on the disk.

        Errors: WrongBytes, OtherContent, LocalTrouble, Busy when it alone cannot be had, those of the portal.
        """
        from_target, wrong = self._folder.begin(self._row), 0
        if self._stretches:
            self._stretches.begin()
        while True:
            before = self._here()
            try:
                (self._stretches or self).bring()
                return self._folder.place(self._row)
            except RangesIgnored:
                self._go_on_in_one_stream()
            except WrongBytes:
                wrong += 1  # once may be what lay here; a portal that sends the wrong bytes does so again
                if from_target:
                    self._folder.discard(self._row)
                    raise _no_beginning() from None
                if not self._stretches and (not before or wrong > 1):
                    self._folder.discard(self._row)
                    raise
                self._go_on_in_one_stream()
            except JournalTrouble:
                raise
            except TryLater as trouble:
                self._bear(trouble, patience, progressed=self._here() > before)

    def _bear(self, trouble: TryLater, patience: Patience, *, progressed: bool) -> None:
        """Errors: Busy for a portal that answers, but not with this."""
        if progressed:
            self._strikes = 0
            patience.progressed()
        elif self._link_works():
            self._strikes += 1
        if self._strikes == STRIKES:
            raise Busy(trouble.sentence) from trouble
        patience.wait_after(trouble)

    def _go_on_in_one_stream(self) -> None:
        """From the beginning: that is what the portal compares with its own checksum while it sends."""
        if self._stretches:
            self._stretches.close()
            self._stretches.forget()
            self._stretches = None

    def _here(self) -> int:
        if self._stretches:
            return self._stretches.here()
        with local(self._row.path):
            return self._folder.part(self._row).stat().st_size

    def bring(self) -> None:
        """What is missing, in one stream, and to the disk with it. Errors: WrongBytes, with nothing left; TryLater."""
        row = self._row
        with local(row.path), self._folder.part(row).open("r+b") as part:
            digest = hashlib.sha256()
            while piece := part.read(PIECE):
                digest.update(piece)
            if part.tell() > row.size:
                digest = _anew(part)
            if part.tell() < row.size:
                with self._portal.file(row.address, row.sha256, part.tell()) as (start, pieces):
                    if start != part.tell():
                        digest = _anew(part)
                    for piece in self._coming(pieces):
                        part.write(piece)
                        digest.update(piece)
            if part.tell() < row.size:
                raise Busy("The portal ended a file in the middle.")
            if digest.hexdigest() != row.sha256:
                _anew(part)
                raise WrongBytes("It arrived with other bytes than the portal verified.")
            part.flush()
            os.fsync(part.fileno())


def _no_beginning() -> OtherContent:
    return OtherContent(
        "A shorter file lies in its place here and is not its beginning: move that away, or add --overwrite."
    )


def _anew(part: BinaryIO) -> hashlib._Hash:
    part.seek(0)
    part.truncate()
    return hashlib.sha256()
