"""Telling the operators that bytes are damaged or lost."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction

from portal.models import DataFile, Dataset
from portal.outbox import new_notice, queue_notices
from uploads import events
from uploads.models import Bundle, Upload

log = structlog.get_logger(__name__)

_NAMED = 20


def tell_corrupt(dataset: Dataset, files: Sequence[DataFile], *, now: datetime) -> None:
    """Audit and mail; call it last in the transaction that marks the files."""
    damaged = [{"path": file.path, "reason": file.reason} for file in files[:_NAMED]]
    _mail_operators(dataset, damaged, len(files), now)
    events.files_corrupt(dataset, list(files))


def tell_refused(bundle: Bundle, dataset: Dataset, reason: str, *, now: datetime) -> None:
    """As `tell_corrupt`, of all files that the bundle still had."""
    left = bundle.file_count - bundle.done_count
    _mail_operators(dataset, [{"path": f"a bundle of {left} files", "reason": reason}], left, now)
    events.bundle_refused(bundle, dataset, reason)


def report_lost_bytes(*, upload: Upload, reason: str, now: datetime) -> None:
    """An incident: fewer bytes on disk than were acknowledged. The upload ends; the file must be sent again."""
    log.error("upload_bytes_lost", upload=upload.pk, acknowledged=upload.offset, reason=reason)
    path = upload.file.path if upload.file else ""
    with transaction.atomic():
        if Upload.objects.receiving().filter(pk=upload.pk).update(state=Upload.State.LOST):
            if upload.dataset:
                _mail_operators(upload.dataset, [{"path": path, "reason": reason}], 1, now)
            events.bytes_lost(upload, reason)


def _mail_operators(dataset: Dataset, damaged: list[dict[str, str]], count: int, now: datetime) -> None:
    """At most one mail an hour and dataset: the page has the rest."""
    addresses = dataset.operator_emails or [dataset.project.contact_email]
    queue_notices(
        new_notice(
            "file-corrupt",
            address,
            subject_id=dataset.pk,
            slot=f"{now:%Y-%m-%dT%H}",
            dataset=dataset,
            context={"files": damaged, "count": count},
        )
        for address in addresses
    )
