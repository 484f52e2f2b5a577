import subprocess
import sys
import time
from pathlib import Path

from dataplane.lifesign import Lifesigns

NAMES_ITSELF = """
import sys, time
from pathlib import Path
from dataplane.lifesign import Lifesigns
print(Lifesigns(Path(sys.argv[1])).own(), flush=True)
time.sleep(60)
"""


def test_a_process_is_alive_until_it_is_killed(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", NAMES_ITSELF, tmp_path], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    with other:
        name = other.stdout.readline().strip()
        signs = Lifesigns(tmp_path)
        assert signs.is_alive(name)
        assert signs.own() != name
        other.kill()
        other.wait()
        deadline = time.monotonic() + 5
        while signs.is_alive(name) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert not signs.is_alive(name)
    assert not (tmp_path / name).exists()


def test_a_process_knows_that_it_lives_itself(tmp_path: Path) -> None:
    signs = Lifesigns(tmp_path)
    assert signs.own() == signs.own()
    assert signs.is_alive(signs.own())


def test_a_name_nobody_holds_is_dead_and_one_of_another_machine_is_not_ours_to_judge(tmp_path: Path) -> None:
    signs = Lifesigns(tmp_path)
    machine = signs.own().rpartition(".")[0]
    assert not signs.is_alive(f"{machine}.1-gone")
    assert signs.is_alive("elsewhere.1-gone")
