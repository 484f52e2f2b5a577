"""rclone, the one that its wheel brings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers.servers import Server, free_port, serving

RCLONE = Path(sys.executable).parent / "rclone"


@contextmanager
def rclone_webdav(folder: Path) -> Iterator[Server]:
    """``rclone serve webdav`` over ``folder``."""
    port = free_port()
    command: list[str | Path] = [
        RCLONE,
        "serve",
        "webdav",
        folder,
        "--addr",
        f"127.0.0.1:{port}",
        "--config",
        "/dev/null",
    ]
    with serving(command, port=port, url=f"http://127.0.0.1:{port}", folder=folder) as server:
        yield server
