"""What can be wrong before anything runs is said in a sentence, and nothing is started."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import broker
from deploy.one_machine import CannotStart, portal_running, refuse_taken_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_taken_port_is_named_before_anything_starts(taken_port: int, tmp_path: Path) -> None:
    portal = portal_running(taken_port, var=tmp_path / "var")
    with pytest.raises(CannotStart, match=rf"Port {taken_port} cannot be used .* PORT={taken_port + 1}"), portal:
        pass
    assert not (tmp_path / "var").exists()


def test_free_port_is_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refuse_taken_port(port)


def test_command_line_says_the_same_and_fails(taken_port: int) -> None:
    command = [sys.executable, "-m", "deploy.one_machine", "--port", str(taken_port)]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"Port {taken_port} cannot be used")
    assert "Traceback" not in outcome.stderr


def test_path_too_long_for_a_socket_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"too long for a socket.*LABCOURIER_VAR="):
        broker.prepare(tmp_path / ("x" * 100))


def test_broker_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    broker.prepare(tmp_path)
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700


def test_no_broker_does_not_answer(tmp_path: Path) -> None:
    assert not broker.answers(tmp_path)
