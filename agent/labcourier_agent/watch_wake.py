"""Events of the file system wake the thread that looks at a folder. They only save waiting: what counts is the look."""

from __future__ import annotations

import threading
from pathlib import Path

from labcourier_agent.progress import LOGGER

AGAIN_AFTER = 60.0
# Milliseconds: how long events are gathered, how often that is looked at, and how soon the end is noticed.
GATHER, STEP, NOTICE_END = 200, 50, 1000


def wake_on_events(path: str, wake: threading.Event, stop: threading.Event) -> threading.Thread:
    """In a thread of its own, until `stop`. Where there are no events, as on many network shares, it never wakes."""
    thread = threading.Thread(target=_listen, args=(path, wake, stop), name=f"events-{path}", daemon=True)
    thread.start()
    return thread


def _listen(path: str, wake: threading.Event, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            if Path(path).is_dir():
                _wake_at_each(path, wake, stop)
        except (OSError, RuntimeError) as error:
            LOGGER.debug("no events of %s, it is looked at all the same: %s", path, error)
        stop.wait(AGAIN_AFTER)


def _wake_at_each(path: str, wake: threading.Event, stop: threading.Event) -> None:
    # It takes a moment to import: only where something is watched.
    import watchfiles

    for _changes in watchfiles.watch(
        path,
        watch_filter=None,
        debounce=GATHER,
        step=STEP,
        stop_event=stop,
        rust_timeout=NOTICE_END,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        wake.set()
