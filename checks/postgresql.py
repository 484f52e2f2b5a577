"""A PostgreSQL server for the length of a test run: its own folder, a socket in it, no port, no durability."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from checks.steps import ROOT
from deploy.program_group import ProgramGroup

DEBIAN = Path("/usr/lib/postgresql")
FAST = ["fsync=off", "full_page_writes=off", "max_connections=200", "listen_addresses="]
FORGETFUL = "synchronous_commit=off"  # a server that ends at once has lost what it said was committed


@dataclass(frozen=True)
class Server:
    """One that can be restarted; all its data lie in ``folder``."""

    programs: Path
    folder: Path
    group: ProgramGroup
    options: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"postgres://postgres@{quote(str(self.folder), safe='')}/postgres"

    def start(self) -> None:
        """Returns once it takes connections."""
        chosen = (*self.options, f"unix_socket_directories={self.folder}")
        options = [part for option in chosen for part in ("-c", option)]
        command = [str(self.programs / "postgres"), "-D", str(self.folder / "data"), *options]
        self.group.start("postgresql", [*_as_postgres(), *command])
        self.group.wait_until("postgresql", lambda: _accepts(self.programs, self.folder), 30)

    def crash(self) -> None:
        """Ends at once, whoever is connected; what was committed is found again at the next start."""
        server = self.group.running.pop("postgresql")
        server.send_signal(signal.SIGQUIT)
        server.wait()


@contextmanager
def throwaway_postgresql() -> Iterator[str]:
    """The URL of a fresh server's database; server and folder are gone afterwards. Raises as ``throwaway_server``."""
    with throwaway_server(*FAST, FORGETFUL) as server:
        yield server.url


@contextmanager
def throwaway_server(*options: str) -> Iterator[Server]:
    """With these settings. Raises FileNotFoundError with a sentence when PostgreSQL's server is not installed.

    PostgreSQL refuses to run as root, so root runs it as the user ``postgres`` of Debian's package.
    """
    programs = _server_programs()
    folder = Path(tempfile.mkdtemp(prefix="labcourier-pg-"))
    group = ProgramGroup(env={**os.environ, "LC_ALL": "C.UTF-8"}, cwd=folder, log_folder=ROOT / "var" / "checks")
    server = Server(programs, folder, group, options)
    try:
        _initialise(programs, folder)
        server.start()
        yield server
    finally:
        group.stop()
        shutil.rmtree(folder)


def _server_programs() -> Path:
    """The folder with ``initdb`` and ``postgres``, of the newest version installed."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if not found:
        raise FileNotFoundError("The PostgreSQL server is not installed; on Debian: apt-get install postgresql")
    return Path(found).resolve().parent


def _as_postgres() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]


def _initialise(programs: Path, folder: Path) -> None:
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    initdb = [str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username=postgres", "--auth=trust"]
    subprocess.run(
        [*_as_postgres(), *initdb, "--encoding=UTF8", "--no-locale", "--no-sync"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )


def _accepts(programs: Path, folder: Path) -> bool:
    return subprocess.run([str(programs / "pg_isready"), "-q", "-h", str(folder)], check=False).returncode == 0
