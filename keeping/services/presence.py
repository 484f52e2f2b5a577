"""A volume that is not mounted looks like a store whose files are all gone. That is no verdict on the files."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from dataplane.errors import NotStored, StoreTrouble
from keeping.models import FileCopy
from portal.models import DataFile
from portal.storage import file_key, store_named

_OTHERS = 10  # the oldest, and as many of the newest


def require_presence(looked: Iterable[tuple[str, DataFile, bool]]) -> None:
    """(store, file, missing) of what was looked for. Raises StoreTrouble for a store in which nothing is found at all.

    Cost: for a store where files are missing and none was found, a look for twenty others.
    """
    missing: dict[str, list[DataFile]] = defaultdict(list)
    present: set[str] = set()
    for store, file, is_missing in looked:
        if is_missing:
            missing[store].append(file)
        else:
            present.add(store)
    for store, files in missing.items():
        if store not in present and not _any_other_is_there(store, files):
            raise StoreTrouble(
                f"Not one file is found in the store “{store}”. Look whether its volume is mounted and its name right."
            )


def _any_other_is_there(store: str, files: list[DataFile]) -> bool:
    """A single file that is all a store has may well be missing alone; more than that are not lost together."""
    kept = Q(dataset__store=store) | Q(copies__store=store, copies__state=FileCopy.State.GOOD)
    others = DataFile.objects.stored().filter(kept).exclude(pk__in=[file.pk for file in files])
    others = others.select_related("dataset__project")
    asked = [*others.order_by("pk")[:_OTHERS], *others.order_by("-pk")[:_OTHERS]]
    return any(_is_there(store, file) for file in asked) if asked else len(files) == 1


def _is_there(store: str, file: DataFile) -> bool:
    try:
        store_named(store).size(file_key(file.dataset, file))
    except NotStored:
        return False
    return True
