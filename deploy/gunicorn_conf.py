"""gunicorn's configuration: threads, because uploads and downloads wait far more than they compute (docs/design)."""

import gc
import resource
from pathlib import Path
from typing import Any

from django.urls import reverse

from dataplane.wsgi_body import hold_continue
from portal.config import load_config
from portal.logs import RedactingFilter

_config = load_config()
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (the kernel's own, and the file is unlinked at once)


def _allow_open_files(wanted: int) -> None:
    """A download holds a connection and a file; the usual limit of 1024 would end us at some hundred of them."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
        )


bind = _config.bind
worker_class = "deploy.web_worker.ThreadWorker"
workers = _config.web_processes
threads = _config.web_threads
worker_connections = threads + 1000  # beyond the threads: connections kept alive, waiting for their next request
_allow_open_files(2 * worker_connections + 200)
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


def when_ready(_server: Any) -> None:
    """What every process needs is made before they part, and is theirs together: Django would read the pages' code in
    each of them at its first request. The collector of garbage writes into all it looks at, and leaves that alone."""
    reverse("healthz")
    gc.collect()
    gc.freeze()
