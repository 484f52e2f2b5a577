"""nginx, as Debian brings it, with nothing but a folder to serve."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.ports import free_port
from peers.servers import Server, serving

CONFIGURATION = """
{user}
daemon off;
pid {own}/nginx.pid;
error_log stderr;
worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {own}/body;
  proxy_temp_path {own}/proxy;
  fastcgi_temp_path {own}/fastcgi;
  uwsgi_temp_path {own}/uwsgi;
  scgi_temp_path {own}/scgi;
  access_log off;
  sendfile on;
  tcp_nopush on;
  server {{
    listen 127.0.0.1:{port};
    location / {{ root {folder}; autoindex on; }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, own: Path) -> Iterator[Server]:
    """Files and listings of ``folder``; ``own`` is a folder for what nginx writes."""
    port = free_port()
    own.mkdir(parents=True, exist_ok=True)
    configuration = own / "nginx.conf"
    # Its workers would give up the rights of root, and with them the sight of a private folder.
    user = "user root root;" if os.getuid() == 0 else ""
    configuration.write_text(CONFIGURATION.format(user=user, own=own, port=port, folder=folder))
    command: list[str | Path] = ["nginx", "-e", "stderr", "-c", configuration]
    with serving(command, port=port, url=f"http://127.0.0.1:{port}", folder=own) as server:
        yield server
