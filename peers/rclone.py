"""rclone, the one that its wheel brings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.ports import free_port
from peers.servers import Server, serving

RCLONE = Path(sys.executable).parent / "rclone"


@contextmanager
def rclone_webdav(folder: Path) -> Iterator[Server]:
    """``rclone serve webdav`` over ``folder``."""
    with _served("webdav", folder) as server:
        yield server


@contextmanager
def rclone_http(folder: Path) -> Iterator[Server]:
    """``rclone serve http``: listings and files of ``folder``, and folders as zips (``?download=zip``)."""
    with _served("http", folder) as server:
        yield server


@contextmanager
def rclone_sftp(folder: Path, user: str, password: str) -> Iterator[Server]:
    """``rclone serve sftp`` over ``folder``; takes files."""
    with _served("sftp", folder, "--user", user, "--pass", password) as server:
        yield server


@contextmanager
def _served(protocol: str, folder: Path, *options: str) -> Iterator[Server]:
    port = free_port()
    address = ["--addr", f"127.0.0.1:{port}", "--config", "/dev/null"]
    command: list[str | Path] = [RCLONE, "serve", protocol, folder, *address, *options]
    with serving(command, port=port, url=f"http://127.0.0.1:{port}", folder=folder) as server:
        yield server
