"""How full the disk was: as it is now, and a little less each day before."""

from datetime import datetime, timedelta
from unittest.mock import patch

from portal import storage_days
from portal.disks import Disk, disks
from portal.storage_days import measure_day

A_DAY = 0.006  # of what is used now


def measure_storage(moment: datetime, now: datetime) -> None:
    ago = (now - moment) / timedelta(days=1)
    wobble = 0.004 * (moment.day % 3)
    past = [_with_used(disk, round(disk.used * (1 - A_DAY * ago - wobble))) for disk in disks()]
    with patch.object(storage_days, "disks", lambda: past):
        measure_day(moment)


def _with_used(disk: Disk, used: int) -> Disk:
    return Disk(disk.store, used, disk.total - used, disk.total)
