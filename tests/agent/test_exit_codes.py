"""The exit codes are a promise to scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcourier_agent import __version__, exits
from labcourier_agent.cli import app
from labcourier_agent.cli_service import service_command
from labcourier_agent.exits import EXIT_MEANINGS, AgentError, Exit
from labcourier_agent.ledger import Ledger
from labcourier_agent.records import Fault
from labcourier_agent.report import exit_code_of
from tests.agent.conftest import Agent

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 130}


def test_the_codes_stay_what_they_are() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "OK": 0,
        "OTHER": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "REFUSED": 4,
        "TRY_LATER": 5,
        "VERIFICATION_FAILED": 6,
        "FINDINGS": 7,
        "VANISHED": 8,
        "INTERRUPTED": 130,
    }
    assert set(map(int, EXIT_MEANINGS)) == CODES


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AgentError, 1),
        (exits.SourceUnreadable, 1),
        (exits.SourceChanged, 5),
        (exits.BadUsage, 2),
        (exits.NotFound, 3),
        (exits.Refused, 4),
        (exits.AccessRefused, 4),
        (exits.Conflict, 4),
        (exits.Invalid, 4),
        (exits.TryLater, 5),
        (exits.Unreachable, 5),
        (exits.Busy, 5),
        (exits.NoRoom, 5),
        (exits.AlreadyRunning, 5),
        (exits.Interrupted, 130),
    ],
)
def test_every_error_has_its_code(error: type[AgentError], code: int) -> None:
    assert error.exit_code == code


EVERY_COMMAND = [[name] for name in app.commands] + [["service", name] for name in service_command.commands]


@pytest.mark.parametrize("command", [[], *(command for command in EVERY_COMMAND if command != ["version"])])
def test_every_help_lists_the_codes(agent: Agent, command: list[str]) -> None:
    result = agent(*command, "--help")
    assert result.code == 0
    for code, meaning in EXIT_MEANINGS.items():
        assert f"{int(code):>3}  {meaning}" in result.out


class Faults(Ledger):
    def __init__(self, *faults: Fault) -> None:
        self._faults = set(faults)

    def faults(self) -> set[Fault]:
        return self._faults


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ([], 0),
        ([Fault.CORRUPT, Fault.REFUSED, Fault.GONE, Fault.CHANGING], 6),
        ([Fault.REFUSED, Fault.UNREADABLE, Fault.CHANGING], 4),
        ([Fault.UNLISTED, Fault.CHANGING], 1),
        ([Fault.GONE], 1),
        ([Fault.CHANGING], 5),
    ],
)
def test_the_gravest_failure_decides(faults: list[Fault], code: int) -> None:
    assert exit_code_of(Faults(*faults)) == code


def test_the_version_is_told(agent: Agent) -> None:
    assert agent("version").out == f"{__version__}\n"
    assert agent("--version").out == f"labcourier, version {__version__}\n"


def test_the_command_runs_as_a_program_and_returns_its_code() -> None:
    program = [sys.executable, "-m", "labcourier_agent"]
    assert subprocess.run([*program, "version"], capture_output=True, check=False).returncode == 0
    wrong = subprocess.run([*program, "sent"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "sent" in wrong.stderr


def test_the_readme_tells_the_same_codes() -> None:
    readme = (Path(exits.__file__).parent.parent / "README.md").read_text()
    for code, meaning in EXIT_MEANINGS.items():
        assert f"| {int(code)} | {meaning} |" in readme


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_the_commands(shell: str, agent: Agent) -> None:
    """As docs/agent.md says."""
    program = [sys.executable, "-c", "from labcourier_agent.cli import app; app(prog_name='labcourier')"]
    environment = os.environ | {"_LABCOURIER_COMPLETE": f"{shell}_source"}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert "_LABCOURIER_COMPLETE" in done.stdout
