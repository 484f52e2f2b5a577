"""The tus protocol's application: uploads of one sender, carried out by the services."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from dataplane.folders import no_room
from dataplane.receive import Body
from dataplane.upload_application import Creation, Joining, Piece, UploadRefused, UploadStatus
from portal.errors import Invalid, NotFound, PortalError
from portal.models import Dataset, Project
from uploads.access import Sender, dataset_to_send, sendable_uploads
from uploads.gate.metadata import read_bundle, read_dataset_id, read_metadata
from uploads.models import Upload
from uploads.services.bundles import create_bundle
from uploads.services.creation import create_joined, create_part, create_upload
from uploads.services.datasets import dataset_of_the_day
from uploads.services.file_wishes import FileWish, checked_wishes
from uploads.services.joining import complete_parts
from uploads.services.receiving import receive_bytes, true_offset
from uploads.services.stop import terminate_upload

log = structlog.get_logger(__name__)

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class UploadsOfSender:
    """A `dataplane.tus.UploadApplication`. Raises UploadRefused for what the portal refuses."""

    def __init__(self, sender: Sender, address: Callable[[str], str]) -> None:
        self._sender = sender
        self._address = address

    @property
    def max_size(self) -> int:
        return int(settings.MAX_FILE_BYTES)

    def create(self, creation: Creation, body: Body) -> UploadStatus:
        with as_refusals():
            now = timezone.now()
            if self._sender.drop and (creation.is_part or creation.length is None or read_bundle(creation.metadata)):
                raise Invalid("Files that come by a drop link are sent whole, with their length. Use its page.")
            if creation.is_part:
                project = self._project_of_part(creation.metadata)
                part = create_part(sender=self._sender, project=project, creation=creation, body=body, now=now)
                return _status(part)
            if bundle := read_bundle(creation.metadata):
                dataset_id, bundle_wish = bundle
                dataset = dataset_to_send(self._sender, dataset_id)
                return _status(
                    create_bundle(
                        sender=self._sender, dataset=dataset, wish=bundle_wish, creation=creation, body=body, now=now
                    )
                )
            dataset, wish = self._place(creation.metadata, creation.length or 0)
            return _status(
                create_upload(sender=self._sender, dataset=dataset, wish=wish, creation=creation, body=body, now=now)
            )

    def join(self, joining: Joining) -> UploadStatus:
        with as_refusals():
            parts = complete_parts(sendable_uploads(self._sender), joining.part_ids)
            dataset, wish = self._place(joining.metadata, sum(part.offset for part in parts))
            upload = create_joined(
                sender=self._sender, dataset=dataset, wish=wish, joining=joining, parts=parts, now=timezone.now()
            )
            return _status(upload)

    def look_up(self, upload_id: str) -> UploadStatus:
        with as_refusals():
            return _status(true_offset(upload_id=self._own(upload_id)))

    def write(self, upload_id: str, piece: Piece, body: Body) -> UploadStatus:
        with as_refusals():
            return _status(receive_bytes(upload_id=self._own(upload_id), piece=piece, body=body))

    def terminate(self, upload_id: str) -> None:
        with as_refusals():
            terminate_upload(upload_id=self._own(upload_id))

    def address(self, upload_id: str) -> str:
        return self._address(upload_id)

    def _place(self, raw_metadata: Mapping[str, bytes], length: int) -> tuple[Dataset, FileWish]:
        """Which file of which dataset an upload of `length` bytes is for. Raises Invalid, NotFound."""
        metadata = read_metadata(raw_metadata, length)
        (wish,) = checked_wishes([metadata.wish])
        if metadata.dataset_id:
            return dataset_to_send(self._sender, metadata.dataset_id), wish
        return dataset_of_the_day(sender=self._sender, now=timezone.now()), wish

    def _project_of_part(self, raw_metadata: Mapping[str, bytes]) -> Project:
        """Clients seldom say more of a part than its length: a token knows its project."""
        dataset_id = read_dataset_id(raw_metadata)
        if dataset_id:
            return dataset_to_send(self._sender, dataset_id).project
        if self._sender.token is None:
            raise Invalid("Say in the Upload-Metadata of the parts too which dataset the file belongs to.")
        return self._sender.token.project

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
        raise UploadRefused(error.status, error.code, error.message, headers=headers, detail=error.detail) from error
    except (OSError, OperationalError) as error:
        if isinstance(error, OSError) and no_room(error):
            raise UploadRefused(507, "no_room", "The disk is full. Wait until there is room, then resume.") from error
        log.exception("upload_trouble", error=type(error).__name__)
        raise UploadRefused(503, "try_later", "The server cannot store or look up just now. Try again.") from error


def _status(upload: Upload) -> UploadStatus:
    unfinished = upload.state == Upload.State.RECEIVING
    is_being_joined = unfinished and upload.role == Upload.Role.FINAL
    return UploadStatus(
        upload.pk,
        None if is_being_joined else upload.offset,
        upload.length,
        upload.metadata_header,
        upload.expires_at if unfinished else None,
        "partial" if upload.role == Upload.Role.PART else upload.concat_header,
    )
