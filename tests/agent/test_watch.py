"""Watching folders, against the loopback portal."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcourier_agent import watch, watch_dataset, watch_sittings, watch_thread
from labcourier_agent.config import read_config
from labcourier_agent.exits import JournalTrouble
from labcourier_agent.journal import Journal
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.watch import Watch
from labcourier_agent.watch_example import EXAMPLE
from labcourier_agent.watch_folder import Look, WatchedFolder
from labcourier_agent.watch_standing import FolderStanding, StandingBoard
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.watching import by_title, eventually, verified, write_config

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(watch, "TICK", 0.05)
    monkeypatch.setattr(watch_dataset, "LINGER", 0.3)
    monkeypatch.setattr(watch_sittings, "FAREWELL", 2.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scope").mkdir()
    return tmp_path / "scope"


def fill(folder: Path, **files: int) -> None:
    """Each is there at once and whole: one that is still empty for a moment may be taken for one that has settled."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = next(above for above in folder.parents if "scope" not in above.parts) / "draft"
    for name, size in files.items():
        draft.write_bytes(b"x" * size)
        draft.replace(folder / f"{name}.tif")


def test_once_sends_each_subfolder_as_a_dataset_and_closes_what_is_marked(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    fill(folder / "run-1", a=10, b=20)
    fill(folder / "run-2" / "deep", c=30)
    (folder / "loose.txt").write_text("belongs to none")
    (folder / "run-1" / "DONE").touch()
    write_config(
        home, folder, 'dataset = "subfolder"', 'recipients = ["rita@example.org"]', 'title = "{folder} {subfolder}"',
        "[folder.close]", 'marker = "DONE"',
    )  # fmt: skip
    result = ada("watch", "--once")
    assert result.code == 0, result.err
    datasets = by_title(portal)
    assert {title: (verified(dataset), dataset.state) for title, dataset in datasets.items()} == {
        "scope run-1": ({"a.tif": 10, "b.tif": 20}, "closed"),
        "scope run-2": ({"deep/c.tif": 30}, "open"),
    }
    assert datasets["scope run-1"].request["recipients"] == ["rita@example.org"]


@pytest.fixture
def keeping_watch(ada: Agent, home: Path) -> Iterator[Callable[..., Watch]]:
    """Starts watching in a thread, as the command does; what still runs at the end is stopped."""
    running: list[tuple[Watch, threading.Thread]] = []

    def begin() -> Watch:
        folders = Folders(home, home)
        file = home / "watch.toml"
        begun = Watch(folders, lambda: read_config(file, read_portals(home)), (file,), StandingBoard())
        thread = threading.Thread(target=begun.run)
        thread.start()
        running.append((begun, thread))
        return begun

    yield begin
    for begun, thread in running:
        begun.stop()
        thread.join(60)
        assert not thread.is_alive()


def test_once_closes_what_is_marked_also_when_sending_ends_before_the_next_look(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = WatchedFolder.look

    def look_late(watched: WatchedFolder) -> Look:
        sent = watched.shelf.under_way()
        if sent:
            eventually(lambda: not any(dataset.feed or dataset.needs_sending for dataset in sent))
            time.sleep(3 * watch.TICK)
        return look(watched)

    monkeypatch.setattr(watch_dataset, "LINGER", 0.0)
    monkeypatch.setattr(WatchedFolder, "look", look_late)
    fill(folder / "run-1", a=10)
    (folder / "run-1" / "DONE").touch()
    write_config(home, folder, 'dataset = "subfolder"', "[folder.close]", 'marker = "DONE"')
    result = ada("watch", "--once")
    assert result.code == 0, result.err
    assert [dataset.state for dataset in portal.datasets.values()] == ["closed"]


def standing(watch: Watch) -> FolderStanding:
    (folder,) = watch.board.read().folders
    return folder


def test_files_are_sent_while_the_instrument_writes_and_a_changed_one_as_a_new_version(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', "[folder.close]", 'marker = "DONE"')
    keeping_watch()
    fill(folder / "run-1", a=10)
    eventually(lambda: portal.datasets and verified(portal.dataset) == {"a.tif": 10})
    fill(folder / "run-1", a=30, b=20)
    eventually(lambda: verified(portal.dataset) == {"a.tif": 30, "b.tif": 20})
    assert portal.dataset.state == "open"
    (folder / "run-1" / "DONE").touch()
    eventually(lambda: portal.dataset.state == "closed")
    assert "DONE" not in portal.dataset.files


def test_what_comes_after_closing_makes_another_dataset_of_only_that(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', "[folder.close]", 'marker = "DONE"')
    fill(folder / "run-1", a=10)
    (folder / "run-1" / "DONE").touch()
    keeping_watch()
    eventually(lambda: portal.datasets and portal.dataset.state == "closed")
    fill(folder / "run-1", b=20)
    eventually(lambda: "run-1 (2)" in by_title(portal) and by_title(portal)["run-1 (2)"].state == "closed")
    assert verified(by_title(portal)["run-1 (2)"]) == {"b.tif": 20}


def test_what_comes_after_closing_is_left_where_it_is_when_so_told(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', 'after_close = "ignore"', "[folder.close]", 'marker = "DONE"')
    fill(folder / "run-1", a=10)
    (folder / "run-1" / "DONE").touch()
    assert ada("watch", "--once").code == 0
    fill(folder / "run-1", b=20)
    assert ada("watch", "--once").code == 0
    assert verified(portal.dataset) == {"a.tif": 10}


def test_a_restart_goes_on_with_the_same_datasets_and_sends_nothing_twice(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"')
    fill(folder / "run-1", a=10, b=20)
    assert ada("watch", "--once").code == 0
    fill(folder / "run-1", c=30)
    assert ada("watch", "--once").code == 0
    assert verified(portal.dataset) == {"a.tif": 10, "b.tif": 20, "c.tif": 30}
    assert portal.received == {"a.tif": 10, "b.tif": 20, "c.tif": 30}


def test_a_share_that_is_away_is_waited_for_and_its_files_are_not_sent_again(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, "[folder.close]", "idle = 0.5")
    watching = keeping_watch()
    folder.rename(folder.with_name("unmounted"))
    eventually(lambda: watching.board.read().folders and standing(watching).state == "missing")
    assert "is not there" in standing(watching).message
    folder.with_name("unmounted").rename(folder)
    fill(folder, a=10)
    eventually(lambda: portal.datasets and portal.dataset.state == "closed")
    eventually(lambda: standing(watching).state == "watching" and standing(watching).datasets_open == 0)
    assert portal.received == {"a.tif": 10}


def test_an_empty_mount_point_closes_nothing(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, "[folder.close]", "idle = 600")
    fill(folder, a=10)
    watching = keeping_watch()
    eventually(lambda: portal.datasets and verified(portal.dataset))
    (folder / "a.tif").rename(folder.parent / "a.tif")
    eventually(lambda: standing(watching).state == "missing")
    write_config(home, folder, "[folder.close]", "idle = 0.5")  # from now on it would be closed soon
    time.sleep(1.5)
    assert portal.dataset.state == "open"
    (folder.parent / "a.tif").rename(folder / "a.tif")
    eventually(lambda: portal.dataset.state == "closed")
    assert portal.received == {"a.tif": 10}


def test_one_dataset_that_is_refused_does_not_hold_up_another(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', 'recipients = ["{subfolder}@example.invalid"]')
    fill(folder / "bad", a=10)
    watching = keeping_watch()
    eventually(lambda: watching.board.read().folders and standing(watching).state == "error")
    assert "Correct it" in standing(watching).message
    write_config(home, folder, 'dataset = "subfolder"', 'recipients = ["{subfolder}@example.org"]')
    fill(folder / "good", b=20)
    eventually(lambda: "good" in by_title(portal) and verified(by_title(portal)["good"]) == {"b.tif": 20})


def test_a_configuration_with_mistakes_leaves_the_one_before_in_force(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    file = write_config(home, folder)
    watching = keeping_watch()
    file.write_text("[[folder]]\npaht = 'x'\n")
    eventually(lambda: watching.board.read().last_error)
    assert "line 2" in str(watching.board.read().last_error)
    fill(folder, a=10)
    eventually(lambda: portal.datasets and verified(portal.dataset) == {"a.tif": 10})


def test_a_dataset_is_closed_by_hand(
    keeping_watch: Callable[..., Watch], ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', "[folder.complete]", "stable = 0.1", "newer = true")
    fill(folder / "run-1", a=10)
    os.utime(folder / "run-1" / "a.tif", (1, 1))
    fill(folder / "run-1", b=20)
    keeping_watch()
    eventually(lambda: portal.datasets and verified(portal.dataset) == {"a.tif": 10})
    assert ada("close", "run-2").code == 3
    assert ada("close", "run-1").code == 0
    eventually(lambda: portal.dataset.state == "closed")
    assert verified(portal.dataset) == {"a.tif": 10, "b.tif": 20}


def test_once_tells_what_is_not_complete(ada: Agent, portal: LoopbackPortal, home: Path, folder: Path) -> None:
    write_config(home, folder, "[folder.complete]", "stable = 0", 'marker = "{stem}.done"')
    fill(folder, a=10, b=20)
    (folder / "a.done").touch()
    result = ada("watch", "--once")
    assert result.code == 5
    assert "1 files are not complete yet" in result.err
    assert verified(portal.dataset) == {"a.tif": 10}


def test_a_file_changed_on_a_later_day_stays_in_the_dataset_of_its_first_day(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "day"')
    fill(folder, a=10, b=20)
    os.utime(folder / "a.tif", (1_700_000_000, 1_700_000_000))
    assert ada("watch", "--once").code == 0
    fill(folder, a=30)
    assert ada("watch", "--once").code == 0
    assert sorted(map(sorted, map(dict.items, map(verified, portal.datasets.values())))) == [
        [("a.tif", 30)],
        [("b.tif", 20)],
    ]


def test_ended_datasets_leave_memory_and_threads_end(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', "[folder.close]", 'marker = "DONE"')
    watching = keeping_watch()
    for number in range(12):
        fill(folder / f"run-{number}", a=10)
        (folder / f"run-{number}" / "DONE").touch()
    eventually(lambda: [dataset.state for dataset in list(portal.datasets.values())] == ["closed"] * 12)
    eventually(lambda: standing(watching).datasets_open == 0)
    (shelf,) = [one.folder.shelf for one in watching.folders if one.folder]
    eventually(lambda: all(memory.is_at_rest for memory in shelf.memories()) and len(shelf.memories()) == 12)
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("sitting")])
    fill(folder / "run-3", late=20)
    eventually(lambda: "run-3 (2)" in by_title(portal))


def test_a_second_watch_on_the_folder_says_so(
    keeping_watch: Callable[..., Watch], ada: Agent, home: Path, folder: Path
) -> None:
    write_config(home, folder)
    first = keeping_watch()
    eventually(lambda: first.board.read().folders and standing(first).state == "watching")
    result = ada("watch", "--once")
    assert result.code == 5
    assert "another process" in result.err


def test_a_signal_ends_it_and_a_kill_loses_nothing(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path, start: Start
) -> None:
    write_config(home, folder, 'dataset = "subfolder"', "[folder.close]", 'marker = "DONE"')
    fill(folder / "run-1", **{f"image{number}": 5000 for number in range(50)})
    process = start("watch")
    eventually(lambda: portal.received)
    process.kill()
    process.wait()
    fill(folder / "run-1", last=7)
    (folder / "run-1" / "DONE").touch()
    process = start("watch")
    eventually(lambda: portal.dataset.state == "closed")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert "Stopped." in told
    assert len(verified(portal.dataset)) == 51


def test_outside_of_its_hours_nothing_is_sent(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(watch, "may_work", lambda schedule: schedule is None)
    write_config(home, folder, top=['schedule = "22:00-06:00"'])
    fill(folder, a=10)
    watching = keeping_watch()
    eventually(lambda: watching.board.read().folders and standing(watching).files_waiting == 1)
    assert standing(watching).state == "paused"
    assert portal.datasets == {}
    write_config(home, folder)
    eventually(lambda: portal.datasets and verified(portal.dataset) == {"a.tif": 10})


def test_check_tells_which_dataset_each_file_belongs_to_and_sends_nothing(
    ada: Agent, portal: LoopbackPortal, home: Path, folder: Path
) -> None:
    write_config(home, folder, r"""dataset = 'pattern:(?P<meta_user>\w+?)_(?P<title>\w+)/'""", 'exclude = ["*.tmp"]')
    fill(folder / "bob_grid1", a=10)
    (folder / "bob_grid1" / "x.tmp").touch()
    (folder / "loose.txt").touch()
    portal.requests.clear()
    result = ada("watch", "--check")
    assert sorted(result.out.splitlines()) == ["-\t0\tloose.txt", "meta_user=bob&title=grid1\t10\tbob_grid1/a.tif"]
    (found,) = ada("watch", "--check", "--json").document["folders"]
    (dataset,) = found["datasets"]
    assert (dataset["title"], dataset["metadata"], dataset["files"]) == ("grid1", {"user": "bob"}, 1)
    assert portal.requests == []


def test_the_example_is_a_configuration(ada: Agent, home: Path, tmp_path: Path) -> None:
    example = ada("watch", "--example").out
    (home / "watch.toml").write_text(example)
    assert ada("watch", "--check").code == 0
    everything = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and "=" in line.split("#")[1][:18] else line
        for line in example.splitlines()
    )
    (home / "watch.toml").write_text(everything)
    assert ada("watch", "--check").code == 0, everything


def test_the_guide_shows_the_example_as_it_is() -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "agent.md"
    assert f"```toml\n{EXAMPLE}```" in guide.read_text(encoding="utf-8")


def test_once_says_which_folder_is_not_there(ada: Agent, home: Path, tmp_path: Path) -> None:
    write_config(home, tmp_path / "unmounted")
    result = ada("watch", "--once")
    assert result.code == 3
    assert "unmounted is not there" in result.err


def test_a_journal_that_cannot_be_written_for_a_while_ends_nothing(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write_config(home, folder)
    watching = keeping_watch()
    eventually(lambda: watching.board.read().folders)
    full = sqlite3.OperationalError("database or disk is full")

    def refuse(*anything: object) -> None:
        raise JournalTrouble(home / "journal.sqlite3", full)

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "begin", refuse)
        fill(folder, a=10)
        eventually(lambda: standing(watching).state == "error")
        assert "database or disk is full" in standing(watching).message
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 0.01)
    eventually(lambda: portal.datasets and verified(portal.dataset) == {"a.tif": 10})


def test_an_event_wakes_a_folder_that_is_seldom_looked_at(
    keeping_watch: Callable[..., Watch], portal: LoopbackPortal, home: Path, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 600.0)
    write_config(home, folder, "[folder.complete]", "stable = 0")
    watching = keeping_watch()
    eventually(lambda: [one.looks for one in watching.folders] == [1])
    fill(folder, a=10)

    def is_sent_after_one_more_event() -> bool:
        """More than one: before somebody listens, which takes a moment, an event wakes nobody."""
        (folder / "empty").mkdir()
        (folder / "empty").rmdir()
        return bool(portal.datasets) and verified(portal.dataset) == {"a.tif": 10}

    eventually(is_sent_after_one_more_event)
