"""gunicorn's configuration: threads, because uploads and downloads wait far more than they compute (docs/design)."""

from pathlib import Path
from typing import Any

from dataplane.wsgi_body import hold_continue
from portal.config import load_config
from portal.logs import RedactingFilter

_config = load_config()
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (the kernel's own, and the file is unlinked at once)


bind = _config.bind
worker_class = "gthread"
workers = _config.web_processes
threads = _config.web_threads
worker_connections = threads + 1000  # beyond the threads: connections kept alive, waiting for their next request
keepalive = 75  # an agent pauses between two pieces while it reads its disk
timeout = 60  # of the worker's heartbeat; a request may take as long as its bytes do
graceful_timeout = 15
preload_app = True  # a wrong setting ends the start instead of a row of workers
worker_tmp_dir = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None  # the heartbeat survives a full disk
forwarded_allow_ips = ""  # portal/client_address.py alone decides which proxy is believed
control_socket_disable = True  # it would be written to the home folder, and nobody asks it anything
pre_request = hold_continue  # an upload that is refused is refused before its body
accesslog = None  # each request is one line of django-structlog, with the person and without tokens


def on_starting(server: Any) -> None:
    """gunicorn's own lines (bad requests, crashes) name addresses, and those of share links are secrets."""
    server.log.error_log.addFilter(RedactingFilter())
