"""The whole portal on one machine: ``python -m deploy.one_machine [--port 8000]``.

Starts the programs of the ``Procfile`` (broker, web, worker, beat) and stops them all at Ctrl-C, SIGTERM, a closed
terminal, or when one of them ends. Exit status: 0 when asked to stop, 1 when something could not start or died.
"""

import argparse
import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from deploy import broker, healthcheck
from deploy.program_group import ProgramGroup, StartFailed
from portal.config import ROOT, load_config

DEFAULT_PORT = 8000
START_SECONDS = 120.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(Exception):
    """The portal was not started; the message says why and what to do."""


@contextmanager
def portal_running(
    port: int, *, var: Path, log_folder: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[ProgramGroup]:
    """A portal on 127.0.0.1:``port`` with its run-time folder ``var``, ready when the block is entered.

    ``settings`` are further ``LABCOURIER_…`` variables. Raises CannotStart before anything runs when the port or the
    folder is taken, StartFailed when a program ends before it is ready; in every case nothing stays behind.
    """
    refuse_taken_port(port)
    env = _environment(port, var.resolve(), settings or {})
    broker.prepare(var.resolve())
    with _only_one(var):
        _bring_up_to_date(env, var)
        group = ProgramGroup(env=env, cwd=ROOT, log_folder=log_folder)
        try:
            _start_all(group, port, var.resolve())
            yield group
        finally:
            with _deaf_to_signals():
                group.stop()


def refuse_taken_port(port: int) -> None:
    """Raises CannotStart when somebody listens on ``port`` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used ({error.strerror}). Choose another: PORT={port + 1}"
            ) from None


def programs() -> dict[str, list[str]]:
    """Name and command of each program, from the Procfile."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: shlex.split(command) for name, _, command in (line.partition(":") for line in lines)}


def wait_for_end(group: ProgramGroup) -> str:
    """Returns the name of the first program that ends by itself; KeyboardInterrupt when asked to stop."""
    while not (ended := group.first_ended()):
        time.sleep(0.2)
    return ended


def _environment(port: int, var: Path, settings: Mapping[str, str]) -> dict[str, str]:
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "LABCOURIER_VAR": str(var),
        "LABCOURIER_BIND": f"127.0.0.1:{port}",
    }
    address = os.environ.get("LABCOURIER_URL") or f"http://127.0.0.1:{port}"
    return {**os.environ, **here, "LABCOURIER_URL": address, **settings}


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Two portals in one folder would take each other's broker, so the second is refused."""
    with (var / "run" / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"A portal already runs in {var} (process {lock.read().strip() or 'unknown'}). "
                "Stop it first, or choose another folder: LABCOURIER_VAR=/some/folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _bring_up_to_date(env: Mapping[str, str], var: Path) -> None:
    _manage(env, "migrate", "--verbosity", "0")
    if _static_files_are_old(var):
        _manage(env, "collectstatic", "--no-input", "--verbosity", "0")


def _static_files_are_old(var: Path) -> bool:
    collected, built = var / "static" / "staticfiles.json", ROOT / "assets" / "dist"
    if not built.is_dir():
        raise CannotStart("The pages' styles and scripts are not built yet; run `make setup`.")
    return not collected.exists() or collected.stat().st_mtime < max(path.stat().st_mtime for path in built.rglob("*"))


def _manage(env: Mapping[str, str], *arguments: str) -> None:
    if subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, check=False).returncode:
        raise CannotStart(f"`manage.py {arguments[0]}` failed; its message stands above.")


def _start_all(group: ProgramGroup, port: int, var: Path) -> None:
    commands = programs()
    embedded = commands.pop("broker")
    broker_url = group.env.get("LABCOURIER_BROKER_URL", "")
    if not broker_url or str(broker.socket_path(var)) in broker_url:
        group.start("broker", embedded)
        group.wait_until("broker", lambda: broker.answers(var), START_SECONDS)
    for name, command in commands.items():
        group.start(name, command)
    host = urlsplit(group.env["LABCOURIER_URL"]).netloc
    group.wait_until("web", lambda: healthcheck.answers("/readyz", port=port, host=host), START_SECONDS)


@contextmanager
def _deaf_to_signals() -> Iterator[None]:
    """A second, impatient Ctrl-C must not leave half of the programs running."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listen_to_stop_signals() -> None:
    """From now on SIGTERM and a closed terminal raise KeyboardInterrupt, as Ctrl-C does."""
    for number in STOP_SIGNALS:
        signal.signal(number, _stop_requested)


def _stop_requested(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    arguments = argparse.ArgumentParser(description="Run the portal on this machine until Ctrl-C.")
    arguments.add_argument("--port", type=int, default=DEFAULT_PORT)
    port = arguments.parse_args().port
    listen_to_stop_signals()
    try:
        with portal_running(port, var=load_config().var) as group:
            print(f"\nLabcourier runs at http://127.0.0.1:{port}  (Ctrl-C stops it)\n", flush=True)
            print(f"{wait_for_end(group)} ended by itself, so everything is stopped.", file=sys.stderr)
            return 1
    except (CannotStart, StartFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 0


if __name__ == "__main__":
    sys.exit(main())
