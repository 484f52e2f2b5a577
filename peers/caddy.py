"""Caddy from its wheel: as a plain file server, and in front of a portal as ``deploy/Caddyfile`` puts it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from checks.ports import free_port
from peers.servers import Server, serving

CADDY = Path(sys.executable).with_name("caddy")
DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "Caddyfile"
UPSTREAM = "web:8000"
FILES = """
{{
	admin off
	auto_https off
}}

http://127.0.0.1:{port} {{
	root * {folder}
	file_server browse
}}
"""


@contextmanager
def caddy_file_server(folder: Path, own: Path) -> Iterator[Server]:
    """Files of ``folder``; ``own`` is a folder for what Caddy writes."""
    port = free_port()
    with _running(FILES.format(port=port, folder=folder), port, own) as server:
        yield server


@contextmanager
def caddy_before(portal_url: str, own: Path) -> Iterator[Server]:
    """The site's proxy before the portal at ``portal_url``. Raises ValueError when the Caddyfile is another."""
    text = DEPLOYED.read_text()
    if UPSTREAM not in text or not text.partition("\n{\n")[1]:
        raise ValueError(
            f"deploy/Caddyfile has no global options or names no {UPSTREAM}; bring peers/caddy.py up to it"
        )
    port = free_port()
    here = text.replace(UPSTREAM, urlsplit(portal_url).netloc).replace("\n{\n", "\n{\n\tadmin off\n", 1)
    with _running(here.replace("{$LABCOURIER_URL}", f"http://127.0.0.1:{port}"), port, own) as server:
        yield server


@contextmanager
def _running(configuration: str, port: int, own: Path) -> Iterator[Server]:
    own.mkdir(parents=True, exist_ok=True)
    file = own / "Caddyfile"
    file.write_text(configuration)
    command: list[str | Path] = ["env", f"XDG_DATA_HOME={own}", f"XDG_CONFIG_HOME={own}", CADDY, "run"]
    options: list[str | Path] = ["--adapter", "caddyfile", "--config", file]
    with serving([*command, *options], port=port, url=f"http://127.0.0.1:{port}", folder=own) as server:
        yield server
