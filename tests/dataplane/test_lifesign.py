import subprocess
import sys
import time
from pathlib import Path

from dataplane.lifesign import MOST_PLACES, Lifesigns

NAMES_ITSELF = """
import sys, time
from pathlib import Path
from dataplane.lifesign import Lifesigns
signs = Lifesigns(Path(sys.argv[1]))
first, second = signs.follow(), signs.follow()
first.note(10, 10)
second.note(5, 9)
print(signs.own(), first.number, second.number, flush=True)
time.sleep(600)
"""


def test_a_process_is_alive_until_it_is_killed_and_tells_then_how_far_it_came(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", NAMES_ITSELF, tmp_path], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    with other:
        name, first, second = other.stdout.readline().split()
        signs = Lifesigns(tmp_path)
        assert signs.is_alive(name)
        assert signs.dead() == []
        assert signs.own() != name
        other.kill()
        other.wait()
        deadline = time.monotonic() + 60
        while signs.is_alive(name) and time.monotonic() < deadline:
            time.sleep(0.01)
    assert signs.dead() == [name]
    assert signs.progress(name, int(first)) == (10, 10)
    assert signs.progress(name, int(second)) == (5, 9)
    signs.remove(name)
    assert (signs.dead(), signs.progress(name, int(first))) == ([], None)


def test_places_are_used_again_and_not_without_end(tmp_path: Path) -> None:
    signs = Lifesigns(tmp_path)
    places = [signs.follow() for _ in range(MOST_PLACES)]
    assert signs.follow() is None
    last = places[-1]
    assert last is not None
    last.note(7, 8)
    last.give_back()
    again = signs.follow()
    assert again is not None
    assert signs.progress(signs.own(), again.number) == (0, 0)


def test_a_process_knows_that_it_lives_itself(tmp_path: Path) -> None:
    signs = Lifesigns(tmp_path)
    assert signs.own() == signs.own()
    assert signs.is_alive(signs.own())


def test_a_name_nobody_holds_is_dead_and_one_of_another_machine_is_not_ours_to_judge(tmp_path: Path) -> None:
    signs = Lifesigns(tmp_path)
    machine = signs.own().rpartition(".")[0]
    assert not signs.is_alive(f"{machine}.1-gone")
    assert signs.is_alive("elsewhere.1-gone")
