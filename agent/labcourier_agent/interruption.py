"""Ctrl-C and termination signals, heeded at a place of our choosing.

An exception raised by a signal comes out wherever the main thread happens to be; in a finaliser or a callback Python
prints it and goes on as if nothing had happened. So the handler only leaves a note, the main thread does nothing but
wait for it, and the work runs in a thread that is asked to stop. A program that was started with SIGINT ignored, as a
shell does with `command &`, goes on ignoring it: a Ctrl-C is then meant for another.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

from labcourier_agent.exits import Interrupted
from labcourier_agent.system import POLITE_ENDS

# A signal wakes the main thread at once, unless the system gave it to another thread: then it is noticed this soon.
LOOK_EVERY = 0.05
# For threads to come to an end; one that hangs in a dead connection ends with the process.
FAREWELL = 8.0
DONE = 0


def heeding_signals(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Runs `work` until it returns; raises what it raises. On a signal calls `stop`, and raises Interrupted.

    To be called by the main thread. A second signal does not wait any longer.
    """
    events: SimpleQueue[int] = SimpleQueue()
    outcome: list[BaseException | None] = []

    def note_outcome() -> None:
        try:
            work()
            outcome.append(None)
        except BaseException as error:  # noqa: BLE001 it is raised again by the main thread
            outcome.append(error)
        events.put(DONE)

    with _telling(events):
        threading.Thread(target=note_outcome, name="run", daemon=True).start()
        signalled = _next_event(events, within=math.inf) != DONE
        if signalled:
            stop()
            _next_event(events, within=FAREWELL)
    if not outcome or (signalled and outcome[0] is not None):
        raise Interrupted
    if outcome[0] is not None:
        raise outcome[0]


def _next_event(events: SimpleQueue[int], *, within: float) -> int:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(Empty):
            return events.get(timeout=LOOK_EVERY)
    return DONE


@contextmanager
def _telling(events: SimpleQueue[int]) -> Iterator[None]:
    """A SimpleQueue is made for this: its `put` may interrupt another use of it in the same thread."""

    def note(number: int, frame: FrameType | None) -> None:
        events.put(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *POLITE_ENDS)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
