"""One upload at the portal, brought to its length through whatever happens on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from labcourier_agent.exits import AgentError, Conflict, Interrupted, Invalid, NotFound, Refused, TryLater
from labcourier_agent.patience import Patience
from labcourier_agent.progress import LOGGER
from labcourier_agent.tus_client import Created, TusClient

T = TypeVar("T")

# Conflicts that end the whole run; any other one concerns a single upload.
DATASET_OVER = {"dataset_closed"}


class Transfer:
    """Used by one thread. `offset` is how far it came, for whoever shows progress; it may go back after a cut line.

    `create` makes the upload, `hold` notes its address (None: there is none any more) before any byte depends on it.
    """

    def __init__(
        self,
        size: int,
        url: str | None,
        *,
        tus: TusClient,
        stop: threading.Event,
        say: Callable[[str], None],
        create: Callable[[], Created],
        hold: Callable[[str | None], None],
    ) -> None:
        self.offset = 0
        self.url = url
        self.patience = Patience(stop, say)
        self._size = size
        self._tus = tus
        self._stop = stop
        self._create = create
        self._hold = hold

    def find(self) -> int:
        """Where the upload at the portal stands; it is made when there is none or none any more."""
        self.offset = self._locate()
        return self.offset

    def send(self, pieces: Callable[[int, int], Iterator[bytes]], *, most: int) -> None:
        """From where it stands to its end, at most `most` bytes a PATCH; `pieces` gives bytes by offset and length."""
        while self.offset < self._size:
            before = self.offset
            length = min(most, self._size - before)
            self.offset = self._append(before, length, self._watched(pieces(before, length)))
            if self.offset > before:
                self.patience.progressed()

    def created(self, created: Created) -> None:
        self.url, self.offset = created.url, created.offset
        self._hold(created.url)

    def terminate(self) -> None:
        """Best effort: an upload that stays behind expires at the portal, or is replaced by that of the new version."""
        if self.url is None:
            return
        try:
            self._tus.terminate(self.url)
        except AgentError as error:
            LOGGER.debug("the upload %s stays behind: %s", self.url, error.sentence)

    def _append(self, offset: int, length: int, pieces: Iterator[bytes]) -> int:
        """One PATCH. Returns where the upload stands afterwards: whatever went wrong, the portal is asked."""
        try:
            return self._tus.append(str(self.url), offset, length, pieces)
        except (TryLater, Conflict, NotFound) as trouble:
            _raise_if_over(trouble)
            self.patience.wait_after(trouble)
            return self._locate()

    def _locate(self) -> int:
        if self.url is not None:
            try:
                url = self.url
                return self.patience.keep_trying(lambda: self._tus.offset(url, self._size))
            except NotFound:
                self.url = None
                self._hold(None)
        self.created(self.patience.keep_trying(self._create))
        return self.offset

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._stop.is_set():
                raise Interrupted
            yield piece
            self.offset += len(piece)


def refused_creation(create: Callable[[], T]) -> T:
    """What a refused creation means for a run. Errors: Refused or Conflict end it, Invalid concerns this upload."""
    try:
        return create()
    except NotFound as error:
        raise Refused(f"The portal does not take files into this dataset any more: {error.sentence}") from error
    except Conflict as conflict:
        _raise_if_over(conflict)
        raise Invalid(conflict.sentence, code=conflict.code, detail=conflict.detail) from conflict


def _raise_if_over(trouble: AgentError) -> None:
    if isinstance(trouble, Conflict) and trouble.code in DATASET_OVER:
        raise trouble
