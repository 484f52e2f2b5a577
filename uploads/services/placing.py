"""Verified bytes go to where their dataset keeps its files.

In the folder of this machine that is a rename. Any other store gets a copy, which is read back there; what waited here
is removed once the database says `verified`, so whoever takes over from a worker that died finds it and sends it again.
"""

from collections.abc import Sequence
from functools import partial

from dataplane.checksums import Digests
from dataplane.errors import DataplaneError, NotStored, StoreTrouble
from dataplane.side_by_side import StillHere, side_by_side
from dataplane.store import Placement, Store, put_checked
from portal.models import DataFile
from portal.storage import file_key, store, store_of
from portal.stores import LOCAL


def placement(file: DataFile) -> Placement:
    return Placement(file.received_key, file_key(file.dataset, file))


def place(files: Sequence[DataFile], still_here: StillHere) -> dict[str, DataplaneError]:
    """Files of one dataset whose received bytes were digested: the failures by received key, the others are placed.

    NotStored, PathTaken and PathRefused are final; others may pass. Memory in another store than the folder: 16 MiB for
    small files, about 100 MiB for the large one under way.
    """
    if not files:
        return {}
    if files[0].dataset.store == LOCAL:
        return store().place(map(placement, files))
    try:
        target = store_of(files[0].dataset)
    except (DataplaneError, OSError) as error:
        return dict.fromkeys((file.received_key for file in files), _trouble(error))
    sent = side_by_side(partial(_send, target), files, lambda file: file.size, still_here)
    return {file.received_key: error for file, error in sent if error}


def forget_waiting(files: Sequence[DataFile]) -> None:
    """Once the rows say `verified`: what other stores have need not wait here any longer."""
    for file in files:
        if file.dataset.store != LOCAL:
            store().delete(file.received_key)


def _send(target: Store, file: DataFile) -> DataplaneError | None:
    """What went wrong. Bytes that are missing here are lost; anything else is trouble of the store."""
    expected = Digests(file.size, file.sha256, file.crc32 or 0)
    try:
        source = store().open_received(placement(file))
    except NotStored as error:
        return error
    try:
        with source:
            put_checked(target, file_key(file.dataset, file), source, expected)
    except (DataplaneError, OSError) as error:
        return _trouble(error)
    return None


def _trouble(error: DataplaneError | OSError) -> DataplaneError:
    if isinstance(error, DataplaneError) and not isinstance(error, NotStored):
        return error
    return StoreTrouble(f"The store gives trouble: {error}")
