"""What differs between Windows and the others. No other file of the agent names what only one system has."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Iterable
from pathlib import Path

if sys.platform == "win32":
    import ctypes
    import msvcrt

    # What a person or a service manager sends to end a program politely.
    POLITE_ENDS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGBREAK)
    # What tells a service to read its configuration again.
    READ_AGAIN: tuple[signal.Signals, ...] = ()

    def lock_file(descriptor: int) -> None:
        """Held until the process ends, however it ends. Errors: OSError at once when another process holds it."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def others_may_read(path: Path) -> bool:
        """Files in a user's profile are closed to other users by the profile's own list, which modes do not show."""
        return False

    def is_held_by_others(path: str) -> bool:
        """Whether it cannot be opened so that nobody else writes meanwhile. Closed again at once."""
        generic_read, share_read_and_delete, open_existing, sharing_violation = 0x80000000, 0x1 | 0x4, 3, 32
        system = ctypes.WinDLL("kernel32", use_last_error=True)
        system.CreateFileW.restype = ctypes.c_void_p
        handle = system.CreateFileW(path, generic_read, share_read_and_delete, None, open_existing, 0, None)
        if handle == ctypes.c_void_p(-1).value:
            return ctypes.get_last_error() == sharing_violation
        system.CloseHandle(ctypes.c_void_p(handle))
        return False

    def flush_to_disk(paths: Iterable[str]) -> None:
        """Returns when what was written to these files is surely on the disk. Errors: OSError."""
        for path in paths:
            with Path(path).open("r+b") as file:
                os.fsync(file.fileno())

    def user_number() -> int:
        return 0

    def may_administer() -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())

else:
    import fcntl
    import stat

    POLITE_ENDS: tuple[signal.Signals, ...] = (signal.SIGTERM,)
    READ_AGAIN: tuple[signal.Signals, ...] = (signal.SIGHUP,)

    def lock_file(descriptor: int) -> None:
        """Held until the process ends, however it ends. Errors: OSError at once when another process holds it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def others_may_read(path: Path) -> bool:
        """Whether any other user's mode bit is set. Errors: OSError."""
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))

    def is_held_by_others(path: str) -> bool:
        """Nothing keeps others from opening a file here."""
        return False

    def flush_to_disk(paths: Iterable[str]) -> None:
        """Returns when what was written to these files is surely on the disk. Errors: OSError."""
        os.sync()
        if platform.system() == "Linux":
            return  # there it waits for all files to be written; elsewhere it may only begin to
        for path in paths:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def user_number() -> int:
        return os.getuid()

    def may_administer() -> bool:
        return os.geteuid() == 0
