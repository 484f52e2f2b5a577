"""Finding again what a lost bell, a killed worker or a killed server left behind."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from portal.models import DataFile
from portal.storage import store, upload_of_key
from uploads.models import Bundle, Upload
from uploads.services.stop import expire_upload, remove_staged, staging_area

_STRAY_AFTER = timedelta(days=1)  # far longer than any request lives
_KEYS_A_QUERY = 500


def expire_uploads(*, now: datetime, dry_run: bool = False) -> list[Upload]:
    """End unfinished uploads past their expiry and give their space back; those that were, or would be, ended."""
    stale = Upload.objects.stale(now).select_related("dataset__project", "project", "file").order_by("expires_at")
    if dry_run:
        return list(stale)
    return [upload for upload in stale.iterator(chunk_size=500) if expire_upload(upload=upload, now=now)]


def forget_ended_uploads(*, now: datetime) -> int:
    """Remove the records of uploads that ended long ago; their files keep their own. The number removed."""
    ended = Upload.objects.exclude(state__in=[Upload.State.RECEIVING, Upload.State.KEPT]).filter(
        touched_at__lte=now - 2 * settings.UPLOAD_EXPIRY
    )
    ended = ended.exclude(dataset__state="open", state=Upload.State.FINISHED)
    return ended.exclude(bundle__state=Bundle.State.RECEIVED).delete()[0]


def remove_strays(*, now: datetime, dry_run: bool = False) -> list[str]:
    """Remove bytes that no record speaks of and that are older than a day; their keys.

    They are left by a server that died between writing and recording. Cost: a few queries for each 500 files that lie
    in staging or wait for verification.
    """
    staged, received = list(_stray_uploads(now)), list(_stray_keys(now))
    if not dry_run:
        remove_staged(staged)
        for key in received:
            store().delete(key)
    return [*staged, *received]


def _stray_uploads(now: datetime) -> Iterator[str]:
    area = staging_area()
    old = [upload_id for upload_id in area.stray_ids() if _is_old(area.path(upload_id), now)]
    for batch in _batches(old):
        staged = Upload.objects.staged().filter(pk__in=batch)
        yield from set(batch) - set(staged.values_list("pk", flat=True))


def _stray_keys(now: datetime) -> Iterator[str]:
    old = [key for key in store().received_keys() if _is_old(store().path(key), now)]
    for batch in _batches(old):
        waiting = DataFile.objects.filter(state=DataFile.State.RECEIVED, received_key__in=batch)
        known = set(waiting.values_list("received_key", flat=True))
        uploads = {key: upload_of_key(key) for key in batch}
        needed = set(Bundle.objects.waiting().filter(pk__in=uploads.values()).values_list("pk", flat=True))
        needed |= set(Upload.objects.receiving().filter(pk__in=uploads.values()).values_list("pk", flat=True))
        yield from (key for key in batch if key not in known and uploads[key] not in needed)


def _is_old(path: Path, now: datetime) -> bool:
    try:
        return path.stat().st_mtime < (now - _STRAY_AFTER).timestamp()
    except FileNotFoundError:
        return False


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), _KEYS_A_QUERY):
        yield keys[start : start + _KEYS_A_QUERY]
