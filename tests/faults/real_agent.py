"""The agent as an instrument PC runs it, with a home of its own, and the worker it needs at the portal."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cutting_proxy import CuttingProxy
from tests.faults.live_portal import CHECKOUT, CONFIGURATION, LivePortal, environment_of

VERIFIED = "SELECT path, sha256 FROM portal_datafile WHERE state = 'verified'"
ALL_ROWS = "SELECT count(*) FROM portal_datafile"


@dataclass(frozen=True)
class RealAgent:
    """`timeout` is LABCOURIER_TIMEOUT: seconds a silent line is borne."""

    home: Path
    timeout: int = 60

    def start(self, *arguments: object) -> "subprocess.Popen[bytes]":
        with (self.home.parent / "agent.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "labcourier_agent", *map(str, arguments)],
                cwd=CHECKOUT,
                env={**os.environ, "LABCOURIER_HOME": str(self.home), "LABCOURIER_TIMEOUT": str(self.timeout)},
                stdout=log,
                stderr=log,
            )

    def run(self, *arguments: object, within: float = 600) -> None:
        process = self.start(*arguments)
        try:
            code = process.wait(within)
        finally:
            process.kill()
            process.wait()
        assert code == 0, (self.home.parent / "agent.log").read_text()[-3000:]

    def connect(self, address: str, secret: str) -> None:
        self.run("connect", address, "--token", secret)


@contextmanager
def working(portal: LivePortal) -> Iterator[None]:
    """A worker in a process of its own."""
    environment = environment_of(portal.var, **portal.settings) | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    with (portal.var / "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"], cwd=CHECKOUT, env=environment, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        worker.kill()
        worker.wait()


@dataclass(frozen=True)
class Site:
    proxy: CuttingProxy
    portal: LivePortal
    agent: RealAgent


@contextmanager
def wired_site(
    start_portal: Callable[..., LivePortal], folder: Path, configuration: Path = CONFIGURATION, *, timeout: int = 60
) -> Iterator[Site]:
    """A portal with a worker, and an agent that reaches it only by the proxy."""
    proxy = CuttingProxy()
    portal = start_portal(configuration, url=proxy.address)
    proxy.upstream = portal.port
    agent = RealAgent(folder / "home", timeout)
    with proxy.running(), working(portal):
        agent.connect(proxy.address, portal.secret)
        yield Site(proxy, portal, agent)


def make_files(folder: Path, sizes: dict[str, int]) -> dict[str, str]:
    """Files of random bytes; the SHA-256 of each by its path."""
    digests = {}
    for name, size in sizes.items():
        data = os.urandom(size)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    return digests


def check_each_verified_once(portal: LivePortal, digests: dict[str, str]) -> None:
    """One row for each file, verified, with its digest; the same bytes on the portal's disk."""
    rows = [(str(path), str(sha256)) for path, sha256 in portal.query(VERIFIED)]
    assert len(rows) == len(dict(rows)), "a file is verified more than once"
    assert dict(rows) == digests, f"{len(digests.items() - dict(rows).items())} files are lost or have other digests"
    assert portal.query(ALL_ROWS) == [(len(digests),)], "there are further versions of files"
    assert digests_on_disk(portal) == digests


def digests_on_disk(portal: LivePortal) -> dict[str, str]:
    """By path within the only dataset."""
    ((name,),) = portal.query("SELECT name FROM portal_dataset")
    folder = portal.var / "files" / "em" / str(name)
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found
