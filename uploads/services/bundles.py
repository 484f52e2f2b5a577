"""A bundle of small files as an upload: announced and reserved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Sum

from dataplane.receive import Body
from dataplane.tarbundle import BLOCK, MOST_BYTES, MOST_FILES, MOST_OF_MANIFEST
from dataplane.upload_application import Creation, Piece
from portal.errors import Invalid, TooLarge
from portal.models import Dataset
from uploads.access import Sender
from uploads.errors import DatasetClosed
from uploads.models import Bundle, Upload, new_upload_id
from uploads.services.receiving import receive_bytes
from uploads.services.room import require_disk_room, require_quota
from uploads.services.versions import lock_dataset


@dataclass(frozen=True, slots=True)
class BundleWish:
    """`file_count` members, and the manifest's header at byte `manifest_at`."""

    file_count: int
    manifest_at: int


def create_bundle(
    *, sender: Sender, dataset: Dataset, wish: BundleWish, creation: Creation, body: Body, now: datetime
) -> Upload:
    """Make the upload of a bundle and take the bytes that came along.

    Its bytes count against the project's quota until its files do. Raises Invalid, TooLarge, DatasetClosed, NoRoom.
    """
    length = _checked_length(creation, wish)
    # What is unpacked lies beside the tar for a while.
    require_disk_room(2 * length)
    upload = Upload(
        pk=new_upload_id(),
        role=Upload.Role.BUNDLE,
        dataset=dataset,
        sender=sender.key,
        length=length,
        reserved=length,
        metadata_header=creation.metadata_header,
        touched_at=now,
        expires_at=now + settings.UPLOAD_EXPIRY,
    )
    with transaction.atomic():
        if not lock_dataset(dataset.pk).is_open:
            raise DatasetClosed("The dataset is closed and takes no other files. Make a new dataset.")
        require_quota(dataset.project, length)
        upload.save(force_insert=True)
        Bundle.objects.create(
            upload=upload, dataset=dataset, file_count=wish.file_count, manifest_at=wish.manifest_at, size=length
        )
    if creation.body_length:
        piece = Piece(0, creation.body_length, checksum=creation.checksum)
        return receive_bytes(upload_id=upload.pk, piece=piece, body=body)
    return upload


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Bundles whose files are not all in the dataset yet; `bytes` is what arrived of them."""

    bundles: int = 0
    files: int = 0
    bytes: int = 0


def bundles_under_way(datasets: Sequence[Dataset]) -> dict[UUID, UnderWay]:
    """By dataset; those without any are left out. Cost: one query."""
    sums = (
        Bundle.objects.under_way()
        .filter(dataset__in=datasets)
        .values("dataset")
        .annotate(number=Count("pk"), files=Sum(F("file_count") - F("done_count")), arrived=Sum("upload__offset"))
        .order_by()
    )
    return {row["dataset"]: UnderWay(row["number"], row["files"], row["arrived"]) for row in sums}


def _checked_length(creation: Creation, wish: BundleWish) -> int:
    if creation.length is None:
        raise Invalid("A bundle's length is known before it is sent. Say it as Upload-Length.")
    if not 1 <= wish.file_count <= MOST_FILES:
        raise Invalid(f"A bundle holds 1 to {MOST_FILES} files, not {wish.file_count}. Make several.")
    if wish.manifest_at > MOST_BYTES or creation.length > MOST_BYTES + MOST_OF_MANIFEST:
        raise TooLarge(f"A bundle has at most {MOST_BYTES} bytes besides its manifest. Make several.")
    if wish.manifest_at % BLOCK or wish.manifest_at >= creation.length:
        raise Invalid(f"The manifest cannot begin at byte {wish.manifest_at} of {creation.length}.")
    return creation.length
