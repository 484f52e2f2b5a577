"""Other people's ways of moving a folder, timed from the first byte to the last answer.

Each is called with the folder to send and scratch space on the same disk, and answers the seconds it took without the
start of its server. None of them flushes what it stores, and none but ``cp`` and ``sha256sum`` reads it back: they
have less to do than we have.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from peers.node import NODE, SCRIPTS, tus_node_server
from peers.rclone import RCLONE, rclone_webdav
from peers.rsync import rsync_daemon
from peers.tusd import tusd

Peer = Callable[[Path, Path], float]
AT_ONCE = 8


def httpx_to_tusd(source: Path, scratch: Path) -> float:
    with tusd(scratch / "tusd") as server:
        return _timed(sys.executable, "-m", "bench.tus_sender", server.url, str(source), str(AT_ONCE))


def tus_js_to_tus_server(source: Path, scratch: Path) -> float:
    with tus_node_server(scratch / "tus-server") as server:
        return _timed(NODE, SCRIPTS / "send_folder.mjs", server.url, source, str(AT_ONCE))


def rclone_to_webdav(source: Path, scratch: Path) -> float:
    with rclone_webdav(scratch / "webdav") as server:
        # By itself rclone sleeps 10 ms between two calls, to be kind to other servers than this one.
        options = ["--transfers", str(AT_ONCE), "--webdav-pacer-min-sleep", "0", "--webdav-url", server.url]
        return _timed(RCLONE, "copy", str(source), ":webdav:", "--config", "/dev/null", *options)


def rsync_to_daemon(source: Path, scratch: Path) -> float:
    with rsync_daemon(scratch / "rsync") as server:
        return _timed("rsync", "--archive", f"{source}/", server.url)


def copy_and_hash(source: Path, scratch: Path) -> float:
    target = scratch / "copy"
    return _timed("cp", "-r", str(source), str(target)) + _timed("sh", "-c", f"sync && {_hashing(target)}")


ALL: Mapping[str, Peer] = {
    "httpx, tusd": httpx_to_tusd,
    "tus-js-client, @tus/server": tus_js_to_tus_server,
    "rclone, WebDAV": rclone_to_webdav,
    "rsync, daemon": rsync_to_daemon,
    "cp, sha256sum, sync": copy_and_hash,
}


def time_peers(source: Path, scratch: Path) -> Iterator[tuple[str, float]]:
    """Name and seconds of each, one after the other; what each stored is removed before the next begins.

    None of them flushes or verifies what it stored, besides `copy_and_hash`. Each comes a second time, with `sync`
    and `sha256sum` of what it stored: the same work as ours.
    """
    for name, send in ALL.items():
        with tempfile.TemporaryDirectory(prefix="peer-", dir=scratch) as folder:
            seconds = send(source, Path(folder))
            yield name, seconds
            if send is not copy_and_hash:
                yield f"{name}, sync, sha256sum", seconds + _timed("sh", "-c", f"sync && {_hashing(Path(folder))}")


def _hashing(folder: Path) -> str:
    return f'find "{folder}" -type f -print0 | xargs -0 sha256sum > /dev/null'


def _timed(*command: str | Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
