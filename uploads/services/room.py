"""Is there room for these bytes: on the disk, and in the project's quota?"""

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, Sum

from portal.errors import NoRoom
from portal.models import Dataset, Project
from portal.storage import store
from uploads.models import Bundle, Upload


def require_disk_room(length: int, *, beside_others: bool = True) -> None:
    """Raise NoRoom unless `length` bytes fit, also beside what unfinished uploads may still bring.

    Cost: one query over the unfinished uploads, none without `beside_others`.
    """
    coming = _still_coming() if beside_others else 0
    if store().free_bytes() - coming - length < settings.MIN_FREE_BYTES:
        raise NoRoom("The storage is full. Tell the facility's staff; sending goes on when there is room again.")


def _still_coming() -> int:
    unfinished = Upload.objects.receiving().aggregate(total=Sum(F("length") - F("offset")))
    return unfinished["total"] or 0


def require_quota(project: Project, added: int) -> None:
    """Raise NoRoom when the project's announced, stored and reserved bytes would pass its quota.

    Call it in the transaction that adds them: the project's row stays locked until then, so that two
    requests cannot both take the last bytes. Cost: nothing without a quota, else four queries.
    """
    if project.quota_bytes is None or added <= 0:
        return
    Project.objects.select_for_update().get(pk=project.pk)
    kept = Dataset.objects.filter(project=project).exclude(state=Dataset.State.PURGED)
    stored = kept.aggregate(total=Sum(F("bytes_expected") + F("bytes_kept")))
    used = (stored["total"] or 0) + _reserved(project)
    if used + added > project.quota_bytes:
        raise NoRoom(
            f"The project's quota of {project.quota_bytes} bytes is used up. Ask its manager to delete or extend."
        )


def reserve_room(upload: Upload, end: int) -> None:
    """Let an upload whose length is not known yet grow to `end` bytes. Raises NoRoom. Others have their room already.

    The quota counts what goes beyond the size that its file was announced with.
    """
    if upload.length is not None:
        return
    require_disk_room(end - upload.offset)
    reserved = max(upload.reserved, end - (upload.file.size if upload.file else 0))
    with transaction.atomic():
        require_quota(upload.own_project, reserved - upload.reserved)
        upload.reserved = reserved
        upload.save(update_fields=["reserved"])


def _reserved(project: Project) -> int:
    """What parts, bundles and uploads of unknown length hold, for which no file of a dataset stands yet."""
    holding = Upload.objects.staged().filter(Q(project=project) | Q(dataset__project=project), reserved__gt=0)
    bundles = Bundle.objects.waiting().filter(dataset__project=project)
    sums = holding.aggregate(total=Sum("reserved")), bundles.aggregate(total=Sum("size"))
    return sum(each["total"] or 0 for each in sums)
