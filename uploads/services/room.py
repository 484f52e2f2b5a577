"""Is there room for these bytes: on the disk, and in the project's quota?"""

from django.conf import settings
from django.db.models import F, Sum

from portal.errors import NoRoom
from portal.models import Dataset, Project
from portal.storage import store
from uploads.models import Upload


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
    """Raise NoRoom when the project's announced and stored bytes would pass its quota.

    Call it in the transaction that adds them: the project's row stays locked until then, so that two
    requests cannot both take the last bytes. Cost: nothing without a quota, else two queries.
    """
    if project.quota_bytes is None or added <= 0:
        return
    Project.objects.select_for_update().get(pk=project.pk)
    kept = Dataset.objects.filter(project=project).exclude(state=Dataset.State.PURGED)
    used = kept.aggregate(total=Sum("bytes_expected"))["total"] or 0
    if used + added > project.quota_bytes:
        raise NoRoom(
            f"The project's quota of {project.quota_bytes} bytes is used up. Ask its manager to delete or extend."
        )
