"""One file from its first byte to the last acknowledged one, through whatever happens on the way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from labcourier_agent.bundles import Bundles
from labcourier_agent.exits import Invalid, SourceChanged, TryLater
from labcourier_agent.ledger import Ledger
from labcourier_agent.notices import Notices
from labcourier_agent.portal_client import BundleRules, PortalClient
from labcourier_agent.progress import Active
from labcourier_agent.records import FileRow
from labcourier_agent.source import SourceFile
from labcourier_agent.transfer import Transfer, refused_creation
from labcourier_agent.tus_client import Created, TusClient

# Up to this many bytes a file travels with the creation of its upload. All senders together hold at most WHOLE_BUDGET.
WHOLE = 8 * 1024 * 1024
WHOLE_BUDGET = 32 * 1024 * 1024
# One PATCH: large enough for an object store behind the portal (its parts), small enough to look at the source often.
PATCH_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Sent:
    """`stated`: the portal was told the digest together with the upload."""

    sha256: str
    stated: bool


@dataclass(frozen=True)
class Way:
    """What every upload of a dataset shares. `rules`: None when the portal takes no bundles."""

    dataset_id: str
    portal: PortalClient
    tus: TusClient
    ledger: Ledger
    bundles: Bundles
    rules: BundleRules | None
    stop: threading.Event
    notices: Notices
    transfers: int

    @property
    def whole(self) -> int:
        return min(WHOLE, WHOLE_BUDGET // self.transfers)


class FileUpload:
    def __init__(self, row: FileRow, way: Way) -> None:
        self.row = row
        self._way = way
        self._sha256 = ""
        self._transfer = Transfer(
            row.signature.size,
            row.upload_url,
            tus=way.tus,
            stop=way.stop,
            say=way.notices.say,
            create=self._create,
            hold=lambda url: way.ledger.note_upload(row, url),
        )

    def active(self) -> Active:
        return Active(self.row.path, self._transfer.offset, self.row.signature.size)

    def run(self) -> Sent:
        """Passing trouble is waited out.

        Errors: SourceTrouble and Invalid concern this file; Refused, NoRoom (after an hour), Interrupted all files.
        """
        with SourceFile(self.row.source, self.row.signature) as source:
            try:
                if self._transfer.url is None and source.size <= self._way.whole:
                    return self._send_whole(source)
                return self._send_in_parts(source)
            except SourceChanged:
                self._transfer.terminate()
                raise

    def _send_whole(self, source: SourceFile) -> Sent:
        body = source.read_all()
        self._sha256 = hashlib.sha256(body).hexdigest()
        created = self._create_with(body)
        if created is not None and created.offset < len(body):
            self._transfer.created(created)
            self._send_rest(source)
        return Sent(self._sha256, stated=True)

    def _create_with(self, body: bytes) -> Created | None:
        """None when the portal turns out to have the file: the answer to an earlier attempt was lost."""
        while True:
            try:
                return self._create(body)
            except (TryLater, Invalid) as trouble:
                if isinstance(trouble, TryLater):
                    self._transfer.patience.wait_after(trouble)
                if self._has_arrived():
                    return None
                if isinstance(trouble, Invalid):
                    raise

    def _send_in_parts(self, source: SourceFile) -> Sent:
        # A file the portal found corrupt is hashed first: the digest then travels with it, into a closed dataset too.
        self._sha256 = source.sha256() if self.row.resends else ""
        self._transfer.find()
        self._send_rest(source)
        return Sent(source.sha256(), stated=bool(self._sha256))

    def _send_rest(self, source: SourceFile) -> None:
        def unchanged_pieces(offset: int, length: int) -> Iterator[bytes]:
            source.check_unchanged()
            return source.pieces(offset, length)

        self._transfer.send(unchanged_pieces, most=PATCH_BYTES)

    def _create(self, body: bytes = b"") -> Created:
        metadata = {"dataset": self._way.dataset_id, "path": self.row.portal_path}
        metadata |= {"mtime_ns": str(self.row.signature.mtime_ns)}
        metadata |= {"sha256": self._sha256} if self._sha256 else {}
        return refused_creation(lambda: self._way.tus.create(self.row.signature.size, metadata, body))

    def _has_arrived(self) -> bool:
        answers = self._transfer.patience.keep_trying(
            lambda: self._way.portal.query(self._way.dataset_id, [self.row.portal_path])
        )
        return any(file.state in ("received", "verified") and file.sha256 == self._sha256 for file in answers)
