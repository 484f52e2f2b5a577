"""A group of programs starts in order, stops in reverse, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy import program_group
from deploy.program_group import ProgramGroup, StartFailed

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProgramGroup]:
    group = ProgramGroup(env=dict(os.environ), cwd=tmp_path, log_folder=tmp_path)
    yield group
    group.stop()


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 60
    while not (path.exists() and text in path.read_text()):
        assert time.monotonic() < deadline, f"{path.name} never said {text}"
        time.sleep(0.02)


def test_programs_stop_in_reverse_order(group: ProgramGroup, tmp_path: Path) -> None:
    farewell = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        "    print(time.monotonic_ns(), flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True)\n"
        "time.sleep(60)"
    )
    for name in ("first", "second"):
        group.start(name, [sys.executable, "-c", farewell])
        wait_for(tmp_path / f"{name}.log", "up")
    group.stop()
    ended = {name: int((tmp_path / f"{name}.log").read_text().split()[1]) for name in ("first", "second")}
    assert ended["second"] < ended["first"]


def test_when_all_have_stopped_all_that_they_said_has_been_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed_on: list[str] = []

    class Slow:
        def write(self, line: str) -> None:
            time.sleep(0.02)
            passed_on.append(line)

        def flush(self) -> None:
            pass

    group = ProgramGroup(env=dict(os.environ), cwd=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Slow())
        group.start("talker", [sys.executable, "-c", "for number in range(50): print(number)"])
        group.running["talker"].wait(60)
        group.stop()
    assert passed_on == [f"talker | {number}\n" for number in range(50)]


def test_program_that_ends_by_itself_is_named(group: ProgramGroup) -> None:
    group.start("steady", SLEEP)
    group.start("brief", [sys.executable, "-c", "pass"])
    group.running["brief"].wait(60)
    assert group.first_ended() == "brief"


def test_program_that_ends_while_starting_is_named_with_its_log(group: ProgramGroup, tmp_path: Path) -> None:
    group.start("brief", [sys.executable, "-c", "raise SystemExit('no disk')"])
    with pytest.raises(StartFailed, match=rf"brief ended while brief was starting\. See {tmp_path}/brief\.log\."):
        group.wait_until("brief", lambda: False, 60)
    assert "no disk" in (tmp_path / "brief.log").read_text()


def test_program_that_is_never_ready_is_given_up(group: ProgramGroup) -> None:
    group.start("slow", SLEEP)
    with pytest.raises(StartFailed, match="slow was not ready after 0 s"):
        group.wait_until("slow", lambda: False, 0.2)


def test_missing_program_is_a_sentence(group: ProgramGroup) -> None:
    with pytest.raises(StartFailed, match="ghost: there is no program no-such-program; run `make setup`"):
        group.start("ghost", ["no-such-program"])


def test_program_deaf_to_sigterm_is_killed(
    group: ProgramGroup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_group, "STOP_SECONDS", 0.3)
    group.start("deaf", [sys.executable, "-c", STUBBORN])
    wait_for(tmp_path / "deaf.log", "deaf")
    process = group.running["deaf"]
    group.stop()
    assert process.returncode == -signal.SIGKILL


def test_children_of_a_killed_program_go_too(group: ProgramGroup, tmp_path: Path) -> None:
    parent = f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid, flush=True); time.sleep(60)"
    group.start("parent", [sys.executable, "-c", parent])
    wait_for(tmp_path / "parent.log", "\n")
    child = psutil.Process(int((tmp_path / "parent.log").read_text()))
    group.running["parent"].kill()
    group.stop()
    _gone, alive = psutil.wait_procs([child], timeout=60)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("program", [SLEEP, [sys.executable, "-c", STUBBORN]], ids=["kind", "deaf"])
def test_programs_end_when_their_starter_is_killed(tmp_path: Path, program: list[str]) -> None:
    starter = (
        "import os, time; from pathlib import Path; from deploy.program_group import ProgramGroup\n"
        f"group = ProgramGroup(env=dict(os.environ), cwd=Path('.'), log_folder=Path({str(tmp_path)!r}))\n"
        f"group.start('sleeper', {program!r}); print(group.running['sleeper'].pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, cwd=root)
    assert process.stdout
    sleeper = psutil.Process(int(process.stdout.readline()))
    process.kill()
    process.communicate()
    sleeper.wait(60)
