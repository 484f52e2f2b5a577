"""What a system's service manager is to be asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from labcourier_agent.exits import AgentError, NotFound

NAME = "labcourier-watch"
DESCRIPTION = "Labcourier: sends instrument data to its portal"


@dataclass(frozen=True)
class ServiceOrder:
    """`command`: the program and its arguments. `home`: LABCOURIER_HOME, or empty. `user`: who it runs as.

    `system`: for the computer, from its start on; else for this user, while logged in.
    """

    command: tuple[str, ...]
    config: Path
    home: str
    user: str
    system: bool


@dataclass(frozen=True)
class Running:
    """`detail` is the service manager's own words."""

    installed: bool
    running: bool
    detail: str


class Service(Protocol):
    """Errors of all but `text`: AgentError with what the service manager said."""

    def place(self) -> Path: ...

    def text(self) -> str:
        """What `place` will hold. Pure: nothing is read or written."""

    def install(self) -> list[str]:
        """Also over an older one. Returns hints for the person."""

    def uninstall(self) -> None: ...

    def status(self) -> Running: ...


def own_program() -> tuple[str, ...]:
    """How this agent is started: the single executable file, or Python with the package."""
    return (sys.executable,) if getattr(sys, "frozen", False) else (sys.executable, "-m", "labcourier_agent")


def tell(command: Sequence[str]) -> str:
    """Runs a command of the service manager. Returns what it said. Errors: AgentError."""
    done = ask(command)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise AgentError(f"`{' '.join(command)}` failed: {said}")
    return done.stdout


def ask(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    except FileNotFoundError as error:
        raise NotFound(f"There is no {command[0]} here: is this system run by another service manager?") from error


def write_text(place: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Replaces the file as a whole. Errors: AgentError."""
    draft = place.with_name(f".{place.name}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding=encoding, newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
    except OSError as error:
        raise AgentError(
            f"{place} cannot be written: {error.strerror}. With --system, run it as administrator."
        ) from error


def remove_file(place: Path) -> None:
    """Errors: NotFound when it is not there, AgentError."""
    try:
        place.unlink()
    except FileNotFoundError as error:
        raise NotFound(f"No service is installed: there is no {place}.") from error
    except OSError as error:
        raise AgentError(f"{place} cannot be removed: {error.strerror}.") from error
