"""One writer per upload, over threads and processes; the newest request wins."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dataplane import lock as lock_module
from dataplane.errors import Busy
from dataplane.lock import WriterLock, acquire_idle_lock, acquire_lock

HOLD = """
import sys, time
from pathlib import Path
from dataplane.lock import acquire_lock
lock = acquire_lock(Path(sys.argv[1]))
print("held", flush=True)
while sys.argv[2] == "stubborn" or not lock.stop_requested():
    time.sleep(0.01)
time.sleep(0.1)  # draining
print("drained", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@contextmanager
def holder(path: Path, manner: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), manner], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def exclusion_holds(path: Path) -> bool:
    """Eight threads count up a number without any other protection."""
    counter = path.with_name("counter")
    counter.write_text("0")

    def count() -> None:
        done = 0
        while done < 5:
            try:
                lock = acquire_lock(path, wait=60)
            except Busy:
                continue
            value = int(counter.read_text() or 0)
            time.sleep(0.001)
            counter.write_text(str(value + 1))
            lock.release()
            done += 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return int(counter.read_text()) == 40


def test_only_one_holds_it_at_a_time(path: Path) -> None:
    assert exclusion_holds(path)


def test_without_the_lock_the_same_test_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "_try_flock", lambda descriptor: True)
    monkeypatch.setattr(lock_module, "_give_way_to_newer", lambda descriptor, ticket: None)
    assert not exclusion_holds(path)


def test_a_newer_request_stops_the_older_process_and_waits_until_it_has_drained(path: Path) -> None:
    with holder(path, "polite") as older, acquire_lock(path, wait=60) as newer:
        assert older.stdout is not None
        assert older.stdout.readline() == "drained\n"
        assert not newer.stop_requested()


def test_a_writer_that_does_not_stop_makes_the_newer_busy_in_bounded_time(path: Path) -> None:
    with holder(path, "stubborn"):
        started = time.monotonic()
        with pytest.raises(Busy, match="still writing"):
            acquire_lock(path, wait=0.3)
        assert time.monotonic() - started < 30


def test_kill_9_of_the_holder_frees_it(path: Path) -> None:
    with holder(path, "stubborn") as older:
        older.kill()
        older.wait()
        acquire_lock(path, wait=60).release()


def test_a_waiter_gives_way_to_a_still_newer_request(path: Path) -> None:
    first = acquire_lock(path)
    outcome: list[str] = []

    def wait_second() -> None:
        try:
            acquire_lock(path, wait=60).release()
        except Busy as error:
            outcome.append(str(error))

    second = threading.Thread(target=wait_second)
    second.start()
    while not first.stop_requested():
        time.sleep(0.005)
    third: list[WriterLock] = []
    newest = threading.Thread(target=lambda: third.append(acquire_lock(path, wait=60)))
    newest.start()
    second.join(60)
    assert "newer request" in outcome[0]
    first.release()
    newest.join(60)
    assert not third[0].stop_requested()
    third[0].release()


def test_a_ticket_left_by_a_killed_process_stops_nobody(path: Path) -> None:
    path.touch()
    os.utime(path, (1_234_567, 1_234_567))
    with acquire_lock(path) as lock:
        assert not lock.stop_requested()


def test_a_discarded_lock_is_not_held_by_who_waited_for_it(path: Path) -> None:
    first = acquire_lock(path)
    waiting: list[WriterLock] = []
    waiter = threading.Thread(target=lambda: waiting.append(acquire_lock(path, wait=60)))
    waiter.start()
    while not first.stop_requested():
        time.sleep(0.005)
    first.discard()
    first.release()
    waiter.join(60)
    assert path.exists()
    with pytest.raises(Busy):
        acquire_idle_lock(path)
    waiting[0].release()


def test_an_idle_lock_disturbs_no_writer(path: Path) -> None:
    with acquire_lock(path) as writer:
        with pytest.raises(Busy):
            acquire_idle_lock(path)
        assert not writer.stop_requested()
    acquire_idle_lock(path).release()
