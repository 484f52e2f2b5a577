"""One writer per upload, across threads and processes of one machine, with takeover by the newest request.

The lock is a `flock` on an empty file, so the kernel frees it when its holder is killed. The file's time of change is
a register: the ticket, a random number of seconds, of the request that arrived last. A holder that no longer finds
its own ticket there is asked to stop; a waiter that does not find it gives up, because a newer request waits behind
it. A ticket left by a killed process does no harm: the next request overwrites it. It is a time and no content so that
uploads can be looked up and deleted on a full disk.
"""

import fcntl
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from dataplane.errors import Busy

TAKEOVER_WAIT = 8.0  # seconds; a writer looks for a stop request about once a second
_POLL = 0.02
_TICKETS = 2**31 - 1  # seconds that every file system can store


class WriterLock:
    """Held from `acquire_lock` until `release`; a context manager."""

    def __init__(self, path: Path, descriptor: int, ticket: int | None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._ticket = ticket

    def stop_requested(self) -> bool:
        """Whether a newer request has asked for this upload; cheap enough to ask after every piece."""
        return self._ticket is not None and _read_ticket(self._descriptor) != self._ticket

    def discard(self) -> None:
        """Remove the lock file; only for an upload that nobody will write to again."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def release(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def acquire_lock(path: Path, *, wait: float = TAKEOVER_WAIT) -> WriterLock:
    """Ask the present writer to stop, wait up to `wait` seconds until it has drained, and hold the lock.

    Raises Busy when it does not drain in time, or when a still newer request arrives meanwhile.
    """
    ticket = secrets.randbelow(_TICKETS) + 1
    deadline = time.monotonic() + wait
    descriptor = _open_with_ticket(path, ticket)
    try:
        while not _try_flock(descriptor):
            _give_way_to_newer(descriptor, ticket)
            _give_up_when_late(deadline)
            time.sleep(_POLL)
        if _is_current(descriptor, path):
            _give_way_to_newer(descriptor, ticket)
            return WriterLock(path, descriptor, ticket)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)  # the file was discarded while we waited: start again on the new one
    return acquire_lock(path, wait=deadline - time.monotonic())


def acquire_idle_lock(path: Path) -> WriterLock:
    """Hold the lock only if nobody does; disturbs no writer. Raises Busy otherwise."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _try_flock(descriptor) and _is_current(descriptor, path):
        return WriterLock(path, descriptor, None)
    os.close(descriptor)
    raise Busy("The upload is being written to. Try again in a moment.")


def _open_with_ticket(path: Path, ticket: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.utime(descriptor, (ticket, ticket))
    return descriptor


def _read_ticket(descriptor: int) -> int:
    return os.fstat(descriptor).st_mtime_ns // 10**9


def _give_way_to_newer(descriptor: int, ticket: int) -> None:
    if _read_ticket(descriptor) != ticket:
        raise Busy("A newer request for this upload has arrived. Ask for the offset and go on from there.")


def _give_up_when_late(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise Busy("Another request is still writing to this upload. Try again in a few seconds.")


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_current(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
