"""The tus protocol's application: uploads of one sender, carried out by the services."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from dataplane.folders import no_room
from dataplane.receive import Body
from dataplane.tus import Creation, TusRefused, UploadStatus
from portal.errors import NotFound, PortalError
from uploads.access import Sender, dataset_to_send, sendable_uploads
from uploads.gate.metadata import read_metadata
from uploads.models import Upload
from uploads.services.creation import create_upload
from uploads.services.datasets import dataset_of_the_day
from uploads.services.file_wishes import checked_wishes
from uploads.services.receiving import receive_bytes, true_offset
from uploads.services.stop import terminate_upload

log = structlog.get_logger(__name__)

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class UploadsOfSender:
    """A `dataplane.tus.UploadApplication`. Raises TusRefused for what the portal refuses."""

    def __init__(self, sender: Sender, address: Callable[[str], str]) -> None:
        self._sender = sender
        self._address = address

    @property
    def max_size(self) -> int:
        return int(settings.MAX_FILE_BYTES)

    def create(self, creation: Creation, body: Body) -> UploadStatus:
        with as_refusals():
            metadata = read_metadata(creation.metadata, creation.length)
            (wish,) = checked_wishes([metadata.wish])
            now = timezone.now()
            if metadata.dataset_id:
                dataset = dataset_to_send(self._sender, metadata.dataset_id)
            else:
                dataset = dataset_of_the_day(sender=self._sender, now=now)
            upload = create_upload(
                sender=self._sender,
                dataset=dataset,
                wish=wish,
                metadata_header=creation.metadata_header,
                body=body,
                body_length=creation.body_length,
                now=now,
            )
        return _status(upload)

    def look_up(self, upload_id: str) -> UploadStatus:
        with as_refusals():
            return _status(true_offset(upload_id=self._own(upload_id)))

    def write(self, upload_id: str, offset: int, length: int, body: Body) -> UploadStatus:
        with as_refusals():
            own = self._own(upload_id)
            return _status(receive_bytes(upload_id=own, offset=offset, length=length, body=body))

    def terminate(self, upload_id: str) -> None:
        with as_refusals():
            terminate_upload(upload_id=self._own(upload_id))

    def address(self, upload_id: str) -> str:
        return self._address(upload_id)

    def _own(self, upload_id: str) -> str:
        """The id, if the sender may go on with this upload; else it does not exist for him."""
        known = _UPLOAD_ID.fullmatch(upload_id) and sendable_uploads(self._sender).filter(pk=upload_id).exists()
        if not known:
            raise NotFound("There is no such upload. Create it again.")
        return upload_id


@contextmanager
def as_refusals() -> Iterator[None]:
    """The portal's refusals in the protocol's form. Trouble of disk or database is passing: never 404 or 410."""
    try:
        yield
    except PortalError as error:
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        raise TusRefused(error.status, error.code, error.message, headers=headers, detail=error.detail) from error
    except (OSError, OperationalError) as error:
        if isinstance(error, OSError) and no_room(error):
            raise TusRefused(507, "no_room", "The disk is full. Wait until there is room, then resume.") from error
        log.exception("upload_trouble", error=type(error).__name__)
        raise TusRefused(503, "try_later", "The server cannot store or look up just now. Try again.") from error


def _status(upload: Upload) -> UploadStatus:
    unfinished = upload.state == Upload.State.RECEIVING
    return UploadStatus(
        upload.pk,
        upload.offset,
        upload.length,
        upload.metadata_header,
        upload.expires_at if unfinished else None,
    )
