"""tusd, the reference server of the tus protocol, built from source by ``deploy/setup/peers.sh``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.ports import free_port
from peers.servers import Server, serving

TUSD = Path(__file__).resolve().parent / "bin" / "tusd"


@contextmanager
def tusd(folder: Path, *options: str) -> Iterator[Server]:
    """tusd over ``folder``."""
    port = free_port()
    command: list[str | Path] = [
        TUSD,
        "-host",
        "127.0.0.1",
        "-port",
        str(port),
        "-upload-dir",
        folder,
        "-base-path",
        "/files/",
    ]
    quiet = ["-expose-metrics=false", "-disable-download", "-behind-proxy=false"]
    url = f"http://127.0.0.1:{port}/files/"
    with serving([*command, *quiet, *options], port=port, url=url, folder=folder) as server:
        yield server
