"""A small application behind the tus protocol: records in memory, bytes in a real staging area."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest

from dataplane.errors import ChecksumMismatch
from dataplane.joining import Part, join_parts
from dataplane.receive import Body, receive
from dataplane.staging import StagingArea
from dataplane.tus import TusProtocol
from dataplane.tus_messages import TusRequest, TusResponse
from dataplane.upload_application import Creation, Joining, Piece, UploadRefused, UploadStatus

EXPIRES = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class FolderApplication:
    max_size = 10_000

    def __init__(self, area: StagingArea) -> None:
        self.area = area
        self.uploads: dict[str, UploadStatus] = {}
        self.creations: list[Creation] = []

    def create(self, creation: Creation, body: Body) -> UploadStatus:
        self.creations.append(creation)
        concat = "partial" if creation.is_part else ""
        upload_id = self._add(creation.length, creation.metadata_header, concat)
        try:
            return self.write(upload_id, Piece(0, creation.body_length, checksum=creation.checksum), body)
        except ChecksumMismatch:
            self.terminate(upload_id)
            raise

    def join(self, joining: Joining) -> UploadStatus:
        parts = [self._found(part_id) for part_id in joining.part_ids]
        if any(part.offset != part.length or part.concat_header != "partial" for part in parts):
            raise UploadRefused(422, "invalid", "A part is not complete. Send the rest of it first.")
        length = sum(part.length or 0 for part in parts)
        upload_id = self._add(length, joining.metadata_header, joining.concat_header)
        sources = [Part(self.area.path(part.id), part.length or 0) for part in parts]
        with self.area.lock(upload_id) as lock, self.area.open(upload_id, recorded=0) as writer:
            join_parts(sources, writer, record=self._recorder(upload_id), stop_requested=lock.stop_requested)
        return self.uploads[upload_id]

    def look_up(self, upload_id: str) -> UploadStatus:
        with self.area.lock(upload_id):
            return self._found(upload_id)

    def write(self, upload_id: str, piece: Piece, body: Body) -> UploadStatus:
        with self.area.lock(upload_id) as lock:
            self._refuse_wrong_range(self._found(upload_id), piece)
            if piece.upload_length is not None:
                self.uploads[upload_id] = replace(self.uploads[upload_id], length=piece.upload_length)
            with self.area.open(upload_id, recorded=piece.offset) as writer:
                receive(
                    body,
                    writer,
                    piece.length,
                    record=self._recorder(upload_id),
                    stop_requested=lock.stop_requested,
                    checksum=piece.checksum,
                )
            return self.uploads[upload_id]

    def terminate(self, upload_id: str) -> None:
        with self.area.lock(upload_id) as lock:
            del self.uploads[self._found(upload_id).id]
            self.area.remove(upload_id)
            lock.discard()

    def address(self, upload_id: str) -> str:
        return f"https://portal.example/tus/{upload_id}"

    def _add(self, length: int | None, metadata_header: str, concat_header: str) -> str:
        upload_id = secrets.token_urlsafe(12)
        self.uploads[upload_id] = UploadStatus(upload_id, 0, length, metadata_header, EXPIRES, concat_header)
        return upload_id

    def _recorder(self, upload_id: str) -> Callable[[int], None]:
        def record(durable: int) -> None:
            self.uploads[upload_id] = replace(self.uploads[upload_id], offset=durable)

        return record

    def _refuse_wrong_range(self, upload: UploadStatus, piece: Piece) -> None:
        if upload.concat_header.startswith("final"):
            raise UploadRefused(403, "forbidden", "This upload was joined of parts and takes no bytes.")
        if piece.offset != upload.offset:
            raise UploadRefused(409, "wrong_offset", f"The upload is at byte {upload.offset}.")
        if piece.upload_length is not None and upload.length not in (None, piece.upload_length):
            raise UploadRefused(422, "invalid", "The length is known and stays.")
        limit = self.max_size if upload.length is None else upload.length
        if piece.offset + piece.length > limit:
            raise UploadRefused(413, "too_large", f"The upload has {limit} bytes.")

    def _found(self, upload_id: str) -> UploadStatus:
        if upload_id not in self.uploads:
            raise UploadRefused(404, "not_found", "There is no such upload. Create it again.")
        return self.uploads[upload_id]


class Bytes:
    """A request body of the given bytes, which ends where they end."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)
        self.taken = 0

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self.taken += len(piece)
        return piece


@dataclass
class Wire:
    """Sends requests as a client would: `wire("PATCH", id, body=..., Upload_Offset=0)`."""

    application: FolderApplication
    last_body: Bytes

    def __call__(
        self, method: str, upload_id: str | None = None, *, body: bytes = b"", **headers: object
    ) -> TusResponse:
        sent = {"tus-resumable": "1.0.0"}
        if body:
            sent |= {"content-length": str(len(body)), "content-type": "application/offset+octet-stream"}
        sent |= {name.lower().replace("_", "-"): str(value) for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value != "None"}
        self.last_body = Bytes(body)
        return TusProtocol(self.application).answer(TusRequest(method, sent, upload_id, self.last_body))

    def create(self, length: int = 10, body: bytes = b"", **headers: object) -> str:
        response = self("POST", None, body=body, Upload_Length=length, **headers)
        assert response.status == 201, response
        return response.headers["Location"].rsplit("/", 1)[1]

    def offset(self, upload_id: str) -> int:
        return int(self("HEAD", upload_id).headers["Upload-Offset"])


@pytest.fixture
def wire(tmp_path: Path) -> Wire:
    area = StagingArea(tmp_path / "staging")
    area.prepare()
    return Wire(FolderApplication(area), Bytes(b""))


@pytest.fixture
def code_of() -> Callable[[TusResponse], str]:
    def code(response: TusResponse) -> str:
        body = json.loads(response.body)
        assert body["message"].endswith(".")
        return str(body["code"])

    return code
