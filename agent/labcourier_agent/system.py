"""What differs between Windows and the others. No other file of the agent names what only one system has."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

if sys.platform == "win32":
    import ctypes
    import msvcrt

    # What a person or a service manager sends to end a program politely.
    POLITE_ENDS: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGBREAK)

    def lock_file(descriptor: int) -> None:
        """Held until the process ends, however it ends. Errors: OSError at once when another process holds it."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def others_may_read(path: Path) -> bool:
        """Files in a user's profile are closed to other users by the profile's own list, which modes do not show."""
        return False

    def user_number() -> int:
        return 0

    def may_administer() -> bool:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())

else:
    import fcntl
    import stat

    POLITE_ENDS: tuple[signal.Signals, ...] = (signal.SIGTERM,)

    def lock_file(descriptor: int) -> None:
        """Held until the process ends, however it ends. Errors: OSError at once when another process holds it."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def others_may_read(path: Path) -> bool:
        """Whether any other user's mode bit is set. Errors: OSError."""
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))

    def user_number() -> int:
        return os.getuid()

    def may_administer() -> bool:
        return os.geteuid() == 0
