"""A dataset of many small files pushed to S3 and to SFTP, beside a plain ``rclone copy`` of the same files.

Ours ends with a comparison of every file; ``rclone copy`` does not, so it comes a second time with ``rclone check``.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from bench.figures import Figure
from bench.rounds import interleaved, medians, rounds_of
from bench.stage import Stage
from bench.upload_data import write_small_files
from peers.rclone import RCLONE, rclone_sftp
from portal.config import ROOT
from tests.object_store import object_store

KIB = 1024
SIZES = (4 * KIB, 64 * KIB)
AT_ONCE = ["--transfers", "8", "--checkers", "8"]  # as many as ours uses
USER, PASSWORD = "rita", "known-to-everybody"
COMMAND = ".venv/bin/python -m bench.downloads --only push"
OURS = "ours"


@dataclass(frozen=True)
class Place:
    """Storage as our form says it, and as rclone's configuration does; what is pushed goes into a new folder each time.

    ``root`` stands before that folder in rclone's path, ``check`` are rclone's options to compare what is there.
    """

    kind: str
    said: Mapping[str, str]
    options: Mapping[str, str]
    root: str
    check: tuple[str, ...]


@dataclass(frozen=True)
class Pushed:
    """Seconds until everything was there; until it was compared too."""

    copied: float
    compared: float


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    count = 100 if quick else 5000
    source = write_small_files(portal.folder / "pushed", count, SIZES)
    dataset = portal.send(source)
    for name, at in (("S3", _s3), ("SFTP", _sftp)):
        with at(portal.folder) as place:
            seen = interleaved(_contenders(portal, dataset, source, place), rounds_of(quick))
        yield _figure(seen, f"push of {count:,} files of 4 to 64 KiB to {name}, compared there", count)


def _contenders(portal: Stage, dataset: str, source: Path, place: Place) -> dict[str, Callable[[], Pushed]]:
    return {OURS: lambda: _ours(portal, dataset, place), "rclone copy": lambda: _rclone(source, place)}


def _figure(seen: dict[str, list[Pushed]], claim: str, count: int) -> Figure:
    copied = medians(seen, lambda pushed: count / pushed.copied)
    compared = medians(seen, lambda pushed: count / pushed.compared)
    peers = {"rclone copy": copied["rclone copy"], "rclone copy, check": compared["rclone copy"]}
    return Figure(claim, "files/s", compared[OURS], COMMAND, peers, aim="0.9 times rclone copy")


def _ours(portal: Stage, dataset: str, place: Place) -> Pushed:
    said = json.dumps({**place.said, "folder": f"{place.said['folder']}ours-{uuid4().hex[:8]}"})
    pushing = [sys.executable, "-m", "bench.push_once", dataset, place.kind]
    env = {**os.environ, **portal.programs.env, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    told = subprocess.run(pushing, cwd=ROOT, env=env, input=said, text=True, check=True, stdout=subprocess.PIPE)
    seconds = float(told.stdout)
    return Pushed(seconds, seconds)


def _rclone(source: Path, place: Place) -> Pushed:
    env = os.environ | {f"RCLONE_CONFIG_DEST_{name.upper()}": value for name, value in place.options.items()}
    dest = f"dest:{place.root}rclone-{uuid4().hex[:8]}"

    def timed(*arguments: str) -> float:
        began = time.perf_counter()
        command: list[str | Path] = [RCLONE, *arguments, source, dest, "--config", "/dev/null", *AT_ONCE]
        subprocess.run(command, env=env, check=True, stderr=subprocess.PIPE)
        return time.perf_counter() - began

    copied = timed("copy")
    return Pushed(copied, copied + timed("check", "--one-way", *place.check))


@contextmanager
def _s3(_scratch: Path) -> Iterator[Place]:
    with object_store() as bucket:
        secret = bucket.secret_key.get_secret_value()
        said = {"endpoint": bucket.endpoint, "region": "us-east-1", "bucket": bucket.bucket}
        said |= {"access_key": bucket.access_key, "secret_key": secret, "folder": bucket.prefix}
        options = {"type": "s3", "provider": "Other", "endpoint": bucket.endpoint, "region": "us-east-1"}
        options |= {"access_key_id": bucket.access_key, "secret_access_key": secret, "no_check_bucket": "true"}
        yield Place("s3", said, options, f"{bucket.bucket}/{bucket.prefix}", ())


@contextmanager
def _sftp(scratch: Path) -> Iterator[Place]:
    with rclone_sftp(scratch / "sftp", USER, PASSWORD) as server:
        port = str(urlsplit(server.url).port)
        said = {"host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD, "private_key": "", "folder": ""}
        obscured = subprocess.run(
            [RCLONE, "obscure", "-"], input=PASSWORD, text=True, check=True, stdout=subprocess.PIPE
        )
        options = {"type": "sftp", "host": "127.0.0.1", "port": port, "user": USER, "pass": obscured.stdout.strip()}
        yield Place("sftp", said, options | {"shell_type": "none"}, "", ("--download",))
