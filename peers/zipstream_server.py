"""zipstream-ng under gunicorn, with as many processes as our web server has."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.ports import free_port
from peers.servers import Server, serving

GUNICORN = Path(sys.executable).with_name("gunicorn")
ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def zipstream_server(folder: Path, own: Path) -> Iterator[Server]:
    """``folder`` as a zip at any address; ``own`` is a folder for what gunicorn writes."""
    port = free_port()
    own.mkdir(parents=True, exist_ok=True)
    workers = ["--workers", "2", "--worker-class", "gthread", "--threads", "8", "--timeout", "600"]
    where: list[str | Path] = [
        "--bind",
        f"127.0.0.1:{port}",
        "--chdir",
        ROOT,
        "--env",
        f"ZIP_FOLDER={folder}",
        "--no-control-socket",
    ]
    command: list[str | Path] = [GUNICORN, *workers, *where, "peers.zip_application:application"]
    with serving(command, port=port, url=f"http://127.0.0.1:{port}/archive.zip", folder=own) as server:
        yield server
