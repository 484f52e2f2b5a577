"""One file from its first byte to the last acknowledged one, through whatever happens on the way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from labcourier_agent.exits import (
    AgentError,
    Conflict,
    Interrupted,
    Invalid,
    NotFound,
    Refused,
    SourceChanged,
    TryLater,
)
from labcourier_agent.ledger import Ledger
from labcourier_agent.notices import Notices
from labcourier_agent.patience import Patience
from labcourier_agent.portal_client import PortalClient
from labcourier_agent.progress import LOGGER
from labcourier_agent.records import FileRow
from labcourier_agent.source import SourceFile
from labcourier_agent.tus_client import Created, TusClient

# Up to this many bytes a file travels with the creation of its upload. All senders together hold at most WHOLE_BUDGET.
WHOLE = 8 * 1024 * 1024
WHOLE_BUDGET = 32 * 1024 * 1024
# One PATCH: large enough for an object store behind the portal (its parts), small enough to look at the source often.
PATCH_BYTES = 256 * 1024 * 1024
# Conflicts that end the whole run; any other one concerns a single file.
DATASET_OVER = {"dataset_closed"}


@dataclass(frozen=True)
class Sent:
    """`stated`: the portal was told the digest together with the upload."""

    sha256: str
    stated: bool


@dataclass(frozen=True)
class Way:
    """What every upload of a dataset shares."""

    dataset_id: str
    portal: PortalClient
    tus: TusClient
    ledger: Ledger
    stop: threading.Event
    notices: Notices
    transfers: int

    @property
    def whole(self) -> int:
        return min(WHOLE, WHOLE_BUDGET // self.transfers)


class FileUpload:
    """`offset` is how far it came, for whoever shows progress; it may go back after a cut line."""

    def __init__(self, row: FileRow, way: Way) -> None:
        self.row = row
        self.offset = 0
        self._way = way
        self._url = row.upload_url
        self._sha256 = ""
        self._patience = Patience(way.stop, way.notices.say)

    def run(self) -> Sent:
        """Passing trouble is waited out.

        Errors: SourceTrouble and Invalid concern this file; Refused, NoRoom (after an hour), Interrupted all files.
        """
        with SourceFile(self.row.source, self.row.signature) as source:
            try:
                if self._url is None and source.size <= self._way.whole:
                    return self._send_whole(source)
                return self._send_in_parts(source)
            except SourceChanged:
                self._terminate()
                raise

    def _send_whole(self, source: SourceFile) -> Sent:
        body = source.read_all()
        self._sha256 = hashlib.sha256(body).hexdigest()
        created = self._create_with(body)
        if created is not None and created.offset < len(body):
            self._hold(created.url)
            self._send_rest(source, created.offset)
        return Sent(self._sha256, stated=True)

    def _create_with(self, body: bytes) -> Created | None:
        """None when the portal turns out to have the file: the answer to an earlier attempt was lost."""
        while True:
            try:
                return self._create(len(body), body)
            except (TryLater, Invalid) as trouble:
                if isinstance(trouble, TryLater):
                    self._patience.wait_after(trouble)
                if self._has_arrived():
                    return None
                if isinstance(trouble, Invalid):
                    raise

    def _send_in_parts(self, source: SourceFile) -> Sent:
        # A file the portal found corrupt is hashed first: the digest then travels with it, into a closed dataset too.
        self._sha256 = source.sha256() if self.row.resends else ""
        self._send_rest(source, self._locate(source.size))
        return Sent(source.sha256(), stated=bool(self._sha256))

    def _send_rest(self, source: SourceFile, offset: int) -> None:
        self.offset = offset
        while self.offset < source.size:
            source.check_unchanged()
            before = self.offset
            self.offset = self._advance(source, before)
            if self.offset > before:
                self._patience.progressed()

    def _advance(self, source: SourceFile, offset: int) -> int:
        """One PATCH. Returns where the upload stands afterwards: whatever went wrong, the portal is asked."""
        length = min(PATCH_BYTES, source.size - offset)
        pieces = self._watched(source.pieces(offset, length))
        try:
            return self._way.tus.append(str(self._url), offset, length, pieces)
        except (TryLater, Conflict, NotFound) as trouble:
            _raise_if_over(trouble)
            self._patience.wait_after(trouble)
            return self._locate(source.size)

    def _locate(self, size: int) -> int:
        """The offset of the upload at the portal, which is created when there is none or none any more."""
        if self._url is not None:
            try:
                url = self._url
                return self._patience.keep_trying(lambda: self._way.tus.offset(url, size))
            except NotFound:
                self._hold(None)
        created = self._patience.keep_trying(lambda: self._create(size))
        self._hold(created.url)
        return created.offset

    def _create(self, size: int, body: bytes = b"") -> Created:
        metadata = {"dataset": self._way.dataset_id, "path": self.row.portal_path}
        metadata |= {"mtime_ns": str(self.row.signature.mtime_ns)}
        metadata |= {"sha256": self._sha256} if self._sha256 else {}
        try:
            return self._way.tus.create(size, metadata, body)
        except NotFound as error:
            raise Refused(f"The portal does not take files into this dataset any more: {error.sentence}") from error
        except Conflict as conflict:
            _raise_if_over(conflict)
            raise Invalid(conflict.sentence, code=conflict.code, detail=conflict.detail) from conflict

    def _has_arrived(self) -> bool:
        answers = self._patience.keep_trying(
            lambda: self._way.portal.query(self._way.dataset_id, [self.row.portal_path])
        )
        return any(file.state in ("received", "verified") and file.sha256 == self._sha256 for file in answers)

    def _watched(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._way.stop.is_set():
                raise Interrupted
            yield piece
            self.offset += len(piece)

    def _hold(self, url: str | None) -> None:
        self._url = url
        self._way.ledger.note_upload(self.row, url)

    def _terminate(self) -> None:
        """Best effort: an upload that stays behind expires at the portal, or is replaced by that of the new version."""
        if self._url is None:
            return
        try:
            self._way.tus.terminate(self._url)
        except AgentError as error:
            LOGGER.debug("the upload of %s stays behind: %s", self.row.path, error.sentence)


def _raise_if_over(trouble: AgentError) -> None:
    if isinstance(trouble, Conflict) and trouble.code in DATASET_OVER:
        raise trouble
