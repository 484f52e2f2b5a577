"""Moving many files at once where each waits more for answers than for bytes."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

SMALL = 1024 * 1024  # bytes; of larger files there is one at a time, whose parts go side by side
SMALL_AT_ONCE = 16
_LOOK_EVERY = 10  # seconds

Item = TypeVar("Item")
Result = TypeVar("Result")
StillHere = Callable[[], None]


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], size_of: Callable[[Item], int], still_here: StillHere
) -> list[tuple[Item, Result]]:
    """Each item with what `work` made of it, in another thread. `still_here` is called here, every few seconds."""
    small = [item for item in items if size_of(item) <= SMALL]
    large = [item for item in items if size_of(item) > SMALL]
    return _all(work, small, SMALL_AT_ONCE, still_here) + _all(work, large, 1, still_here)


def _all(
    work: Callable[[Item], Result], items: Sequence[Item], at_once: int, still_here: StillHere
) -> list[tuple[Item, Result]]:
    pool = ThreadPoolExecutor(at_once)
    try:
        begun = [(item, pool.submit(work, item)) for item in items]
        waiting = {future for _, future in begun}
        while waiting:
            _, waiting = wait(waiting, timeout=_LOOK_EVERY)
            still_here()
    finally:
        pool.shutdown(cancel_futures=True)
    return [(item, future.result()) for item, future in begun]
