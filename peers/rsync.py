"""rsync's own daemon, as Debian brings it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.ports import free_port
from peers.servers import Server, serving

CONFIGURATION = """
use chroot = no
address = 127.0.0.1
port = {port}
[files]
path = {folder}
read only = no
uid = {uid}
gid = {uid}
"""


@contextmanager
def rsync_daemon(folder: Path) -> Iterator[Server]:
    """An rsync daemon that takes files into ``folder``; its clients get an ``rsync://`` address."""
    port = free_port()
    configuration = folder.parent / "rsyncd.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(CONFIGURATION.format(port=port, folder=folder, uid=os.getuid()))
    command = ["rsync", "--daemon", "--no-detach", f"--config={configuration}"]
    with serving(command, port=port, url=f"rsync://127.0.0.1:{port}/files/", folder=folder) as server:
        yield server
