"""Verified bytes go to where their dataset keeps its files.

In the folder of this machine that is a rename. Any other store gets a copy, which is read back there; what waited here
is removed once the database says `verified`, so whoever takes over from a worker that died finds it and sends it again.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait

from dataplane.checksums import Digests
from dataplane.errors import DataplaneError, NotStored, StoreTrouble
from dataplane.store import Placement, Store, put_checked
from portal.models import DataFile
from portal.storage import file_key, store, store_of
from portal.stores import LOCAL

_SMALL = 1024 * 1024
_SMALL_AT_ONCE = 16  # they wait for answers more than for bytes
_LOOK_EVERY = 10  # seconds

StillHere = Callable[[], None]  # renews what keeps others off; asked at least every few seconds


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
    small = [file for file in files if file.size <= _SMALL]
    large = [file for file in files if file.size > _SMALL]
    return _send(target, small, _SMALL_AT_ONCE, still_here) | _send(target, large, 1, still_here)


def forget_waiting(files: Sequence[DataFile]) -> None:
    """Once the rows say `verified`: what other stores have need not wait here any longer."""
    for file in files:
        if file.dataset.store != LOCAL:
            store().delete(file.received_key)


def _send(target: Store, files: list[DataFile], at_once: int, still_here: StillHere) -> dict[str, DataplaneError]:
    failures: dict[str, DataplaneError] = {}
    pool = ThreadPoolExecutor(at_once)
    try:
        sent = {pool.submit(_send_one, target, file): file for file in files}
        waiting = set(sent)
        while waiting:
            _, waiting = wait(waiting, timeout=_LOOK_EVERY)
            still_here()
    finally:
        pool.shutdown(cancel_futures=True)
    for future, file in sent.items():
        if error := future.result():
            failures[file.received_key] = error
    return failures


def _send_one(target: Store, file: DataFile) -> DataplaneError | None:
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
