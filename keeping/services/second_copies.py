"""A second copy of each verified file, in the store that its project names for that."""

from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, F, OuterRef, QuerySet

from dataplane.errors import DataplaneError
from keeping.models import CopyPlan
from keeping.services.copies import want_copies
from keeping.services.moving import refuse_same_place
from portal.errors import Conflict
from portal.models import Dataset
from portal.storage import store_named, store_of
from portal.stores import store_names

log = structlog.get_logger(__name__)

_UNFINISHED_FOR = timedelta(days=7)  # longer than the largest file takes over a slow line


def plan_second_copies() -> int:
    """Ask for copies of what was verified since the last time; the number of datasets looked at.

    Cost: one query when nothing was; for a dataset that changed, those of `want_copies`.
    """
    changed = list(_changed().select_related("project"))
    for dataset in changed:
        store = dataset.project.copy_store
        try:
            refuse_same_place(store_of(dataset), store_named(store))
        except (DataplaneError, Conflict, OSError) as error:
            log.error("second_copy_not_planned", dataset=dataset.name, store=store, error=str(error))
            continue
        want_copies(dataset, store)
        said = {"revision": dataset.revision}  # as it was before the files were listed: what came since is seen again
        CopyPlan.objects.update_or_create(dataset=dataset, store=store, defaults=said)
    return len(changed)


def remove_unfinished(*, now: datetime) -> list[str]:
    """What writers that died have left in any store, such as the parts of a multipart upload."""
    removed = []
    for name in store_names():
        try:
            removed += store_named(name).remove_unfinished(now - _UNFINISHED_FOR)
        except (DataplaneError, OSError) as error:
            log.warning("store_not_swept", store=name, error=str(error))
    return removed


def _changed() -> "QuerySet[Dataset]":
    wanting = Dataset.objects.exclude(state__in=Dataset.GONE).filter(verified_count__gt=0)
    wanting = wanting.exclude(project__copy_store="").exclude(project__copy_store=F("store"))
    planned = CopyPlan.objects.filter(
        dataset=OuterRef("pk"), store=OuterRef("project__copy_store"), revision=OuterRef("revision")
    )
    return wanting.exclude(Exists(planned))
