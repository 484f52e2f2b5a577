"""The file systems under the stores. A bucket has no end that anybody could tell, so it has none here."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

from portal.stores import LOCAL, store_names
from portal.stores.declared import FolderSettings

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes. ``total`` may have parts that nobody but the system is given; ``usable`` is what there is for files."""

    store: str
    used: int
    free: int
    total: int

    @property
    def usable(self) -> int:
        return self.used + self.free

    @property
    def room(self) -> int:
        """What can still come before uploads are refused or the disk is full."""
        return self.free - (settings.MIN_FREE_BYTES if self.store == LOCAL else 0)


def disks() -> list[Disk]:
    """Of all stores that are folders, as they are now; one that does not answer is left out."""
    found = (_disk(store, folder) for store in store_names() if (folder := _folder(store)))
    return [disk for disk in found if disk]


def _folder(store: str) -> Path | None:
    if store == LOCAL:
        return Path(settings.FILES_ROOT)
    said = settings.STORES[store]
    return said.path if isinstance(said, FolderSettings) else None


def _disk(store: str, folder: Path) -> Disk | None:
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        log.warning("disk_not_measured", store=store, error=str(error))
        return None
    return Disk(store, usage.used, usage.free, usage.total)
