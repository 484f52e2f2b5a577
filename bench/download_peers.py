"""Other people's ways of fetching a folder, each into a folder of its own on the same disk.

None of them verifies or flushes what it fetched, and all but rsync send a request a file. The servers are those that
answer them fastest: nginx for what reads listings, rclone and rsync for what needs their own.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from peers.nginx import nginx
from peers.rclone import RCLONE, rclone_webdav
from peers.rsync import rsync_daemon

AT_ONCE = "8"
Fetch = Callable[[Path], float]


@contextmanager
def peers_of(source: Path, scratch: Path) -> Iterator[Mapping[str, Fetch]]:
    """By name what fetches ``source`` into a folder and answers the seconds that took."""
    with nginx(source, scratch / "nginx") as plain, rclone_webdav(source) as webdav, rsync_daemon(source) as daemon:
        rclone: list[str | Path] = [RCLONE, "copy", "--config", "/dev/null", "--transfers", AT_ONCE]
        # By itself rclone sleeps 10 ms between two calls, and asks for each file's size and time before it fetches it.
        by_http = ["--http-url", plain.url, "--http-no-head"]
        by_webdav = ["--webdav-url", webdav.url, "--webdav-pacer-min-sleep", "0"]
        crawl = ["wget", "--quiet", "--recursive", "--level=inf", "--no-parent", "--no-host-directories"]
        yield {
            "rclone copy, http": lambda into: _seconds(*rclone, ":http:", into, *by_http),
            "rclone copy, WebDAV": lambda into: _seconds(*rclone, ":webdav:", into, *by_webdav),
            "wget -r": lambda into: _seconds(*crawl, "--reject=index.html*", "-P", into, f"{plain.url}/"),
            "rsync, daemon": lambda into: _seconds("rsync", "--archive", daemon.url, into),
        }


def flush_and_hash(folder: Path) -> float:
    """Seconds for what we do besides: everything on disk, everything read back."""
    return _seconds("sh", "-c", f'sync && find "{folder}" -type f -print0 | xargs -0 sha256sum > /dev/null')


def _seconds(*command: str | Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
