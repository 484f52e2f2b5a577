"""Ctrl-C and termination signals, heeded at a place of our choosing.

An exception raised by a signal comes out wherever the main thread happens to be; in a finaliser or a callback Python
prints it and goes on as if nothing had happened. So the handler only leaves a note, the main thread does nothing but
wait for it, and the work runs in a thread that is asked to stop. A program that was started with SIGINT ignored, as a
shell does with `command &`, goes on ignoring it: a Ctrl-C is then meant for another.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from labcourier_agent.exits import Interrupted
from labcourier_agent.system import POLITE_ENDS

LOOK_EVERY = 0.05
# For threads to come to an end; one that hangs in a dead connection ends with the process.
FAREWELL = 8.0


def heeding_signals(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Runs `work` until it returns; raises what it raises. On a signal calls `stop`, and raises Interrupted.

    To be called by the main thread. A second signal does not wait any longer.
    """
    outcome: list[BaseException | None] = []
    thread = threading.Thread(target=_note_outcome, args=(work, outcome), name="run", daemon=True)
    with _noting_signals() as noted:
        thread.start()
        while thread.is_alive() and not noted:
            thread.join(LOOK_EVERY)
        if noted:
            stop()
            _wait_for(thread, noted)
    if not outcome or (noted and outcome[0] is not None):
        raise Interrupted
    if outcome[0] is not None:
        raise outcome[0]


def _note_outcome(work: Callable[[], None], outcome: list[BaseException | None]) -> None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 it is raised again by the main thread
        outcome.append(error)
    else:
        outcome.append(None)


def _wait_for(thread: threading.Thread, noted: list[int]) -> None:
    for _ in range(round(FAREWELL / LOOK_EVERY)):
        thread.join(LOOK_EVERY)
        if not thread.is_alive() or len(noted) > 1:
            return


@contextmanager
def _noting_signals() -> Iterator[list[int]]:
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *POLITE_ENDS)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
