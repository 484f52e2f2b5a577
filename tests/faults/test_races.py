"""P4: concurrent requests over two server processes never corrupt an upload."""

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.live_portal import CHECKOUT, Answer, LivePortal, Wire, environment_of
from tests.faults.sizes import times

RACES = times(100, 2_000)
pytestmark = [pytest.mark.promise("P4"), pytest.mark.slow]
PLANTED = Path(__file__).parent / "planted" / "no_lock.py"
SHARED_MEMORY = Path("/dev/shm")
SIZE = 400_000
HALF = SIZE // 2

Request = Callable[[], Answer]


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a folder: these races are about order, and a flush there takes no time."""
    if not SHARED_MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        yield Path(folder)


class Race:
    """One upload that others want something of at the same moment, and what must be true of it afterwards."""

    def __init__(self, one: Wire, other: Wire, name: str, chance: random.Random) -> None:
        self.one, self.other, self.name, self._chance = one, other, name, chance
        self.data = chance.randbytes(SIZE)
        self.upload = one.start(SIZE, name)

    def at_once(self, *requests: Request) -> list[Answer]:
        """Their answers in order; they leave within few milliseconds."""
        gate = threading.Barrier(len(requests))
        delays = [self._chance.choice([0.0, self._chance.uniform(0, 0.008)]) for _ in requests]

        def send(request: Request, delay: float) -> Answer:
            gate.wait()
            time.sleep(delay)
            return request()

        with ThreadPoolExecutor(len(requests)) as pool:
            answers = list(pool.map(send, requests, delays))
        statuses = [answer.status for answer in answers]
        assert set(statuses) <= {200, 204, 404, 409, 410, 423}, statuses
        return answers

    def finish(self) -> None:
        """Go on at the offset that the server says, and look at the bytes."""
        offset = self.one.head(self.upload).offset
        if offset < SIZE:
            assert self.one.patch(self.upload, offset, self.data[offset:]).status == 204
        self.check_whole()

    def check_whole(self) -> None:
        stored = self._file("files/.received").read_bytes()
        assert hashlib.sha256(stored).digest() == hashlib.sha256(self.data).digest(), "the content is not what was sent"
        assert self._rows() == [("finished", SIZE, "received")]
        assert not self._file("staging").exists()

    def check_over(self) -> None:
        assert self.one.head(self.upload).status == 410
        assert self.state() in {"cancelled", "expired"}
        assert self._rows() == [], "the row of a file whose upload is over"
        left = [folder for folder in ("staging", "staging/.locks", "files/.received") if self._file(folder).exists()]
        assert not left, f"an upload that is over left a file in {left}"

    def state(self) -> object:
        ((state,),) = self.one.portal.query("SELECT state FROM uploads_upload WHERE id = ?", Path(self.upload).name)
        return state

    def has_lock_file(self) -> bool:
        """It is the last that goes."""
        return self._file("staging/.locks").exists()

    def _file(self, folder: str) -> Path:
        return self.one.portal.var / folder / Path(self.upload).name

    def _rows(self) -> list[tuple[object, ...]]:
        return self.one.portal.query(
            "SELECT u.state, u.offset, f.state FROM portal_datafile f JOIN uploads_upload u ON u.file_id = f.id"
            " WHERE f.path = ?",
            self.name,
        )


def two_servers(start_portal: StartPortal, *configuration: Path) -> tuple[Wire, Wire]:
    return Wire(start_portal(*configuration)), Wire(start_portal(*configuration))


def races(one: Wire, other: Wire, count: int = RACES) -> Iterator[Race]:
    chance = random.Random(7)  # noqa: S311  (the same races each time, as far as clocks allow)
    for number in range(count):
        yield Race(one, other, f"race-{number}", chance)


def until_both_won(races: Iterator[Race], seen: Counter[str], one: str, other: str) -> Iterator[Race]:
    """At least `RACES`; more on a machine whose load lets one side win so often that the other has not won yet."""
    for number, race in enumerate(races):
        if number >= RACES and seen[one] and seen[other]:
            return
        yield race


def told(seen: Counter[str]) -> str:
    return f"at least {RACES} races; " + ", ".join(f"{what}: {count}" for what, count in sorted(seen.items()))


# --- PATCH x PATCH


def race_patches(one: Wire, other: Wire) -> Counter[str]:
    """Three writers at the same offset, readers between them."""
    seen: Counter[str] = Counter()
    for race in races(one, other):
        writers = [partial(wire.patch, race.upload, 0, race.data[:HALF]) for wire in (one, other, one)]
        readers = [partial(wire.head, race.upload) for wire in (one, other)]
        written = [answer.status for answer in race.at_once(*writers, *readers[: race.data[0] % 3])][:3]
        seen.update(f"PATCH {status}" for status in written)
        accepted = written.count(204)
        assert accepted <= 1, f"one range was accepted {accepted} times"
        assert accepted == (one.head(race.upload).offset == HALF), f"accepted {accepted} times: {written}"
        race.finish()
    return seen


def test_one_range_is_accepted_once_over_two_servers(start_portal: StartPortal, found: Found) -> None:
    seen = race_patches(*two_servers(start_portal))
    found(told(seen))
    assert seen["PATCH 204"] > RACES // 4, f"hardly anything was accepted: {seen}"
    assert seen["PATCH 409"] + seen["PATCH 423"] > 0, "nothing ever met"


def test_without_the_lock_the_race_is_lost(start_portal: StartPortal) -> None:
    with pytest.raises(AssertionError, match=r"accepted \d times|not what was sent|50\d"):
        race_patches(*two_servers(start_portal, PLANTED))


# --- PATCH x HEAD


def race_heads(one: Wire, other: Wire) -> Counter[str]:
    """Somebody asks for the offset while it moves: what he is told is never taken back."""
    seen: Counter[str] = Counter()
    for race in races(one, other):
        writer = partial(one.patch, race.upload, 0, race.data)
        written, *asked = race.at_once(writer, partial(other.head, race.upload), partial(one.head, race.upload))
        seen[f"PATCH {written.status}"] += 1
        seen.update(f"HEAD {answer.status}" for answer in asked)
        offset = one.head(race.upload).offset
        assert (written.status == 204) == (offset == SIZE), (written.status, offset)
        said = [answer.offset for answer in asked if answer.status == 200]
        assert all(0 <= earlier <= offset for earlier in said), f"{said} was said, now it is {offset}"
        race.finish()
    return seen


def test_an_offset_that_was_told_is_never_taken_back(start_portal: StartPortal, found: Found) -> None:
    seen = race_heads(*two_servers(start_portal))
    found(told(seen))
    assert seen["PATCH 204"] > 0
    assert seen["HEAD 200"] > RACES


# --- PATCH x DELETE


def race_deletions(one: Wire, other: Wire) -> Counter[str]:
    seen: Counter[str] = Counter()
    for race in until_both_won(races(one, other, 10 * RACES), seen, "PATCH 204", "DELETE 204"):
        assert one.patch(race.upload, 0, race.data[:1000]).status == 204
        rivals = [partial(other, "DELETE", race.upload), partial(one, "DELETE", race.upload)]
        writer = partial(one.patch, race.upload, 1000, race.data[1000:])
        written, *deleted = (answer.status for answer in race.at_once(writer, *rivals[: 1 + race.data[0] % 2]))
        seen[f"PATCH {written}"] += 1
        seen.update(f"DELETE {status}" for status in deleted)
        assert (written == 204) + deleted.count(204) <= 1, f"PATCH {written}, DELETE {deleted}: both were promised"
        if 204 in deleted:
            race.check_over()
        else:
            race.finish()
    return seen


def test_a_deletion_that_meets_writing_leaves_all_or_nothing(start_portal: StartPortal, found: Found) -> None:
    seen = race_deletions(*two_servers(start_portal))
    found(told(seen))
    assert min(seen["PATCH 204"], seen["DELETE 204"]) > 0, f"one side always wins: {seen}"


def test_a_deletion_without_the_lock_is_noticed(start_portal: StartPortal) -> None:
    with pytest.raises(AssertionError):
        race_deletions(*two_servers(start_portal, PLANTED))


# --- PATCH x expiry

EXPIRE_ALWAYS = """
import time
from uploads.tasks import expire_uploads_task
print("at work", flush=True)
while True:
    expire_uploads_task()
    time.sleep(0.002)
"""
FORGET_BYTES_FIRST = """
from uploads.services import stop, sweep
sweep.expire_upload = lambda upload, now: stop.staging_area().remove(upload.pk)
"""


@contextmanager
def expiring(portal: LivePortal, planted: str = "") -> Iterator[None]:
    """The task of the worker, again and again, in a process of its own."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", planted + EXPIRE_ALWAYS]
    said = portal.var / "expiring.log"
    with said.open("wb") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment_of(portal.var), stdout=log, stderr=log)
    try:
        while process.poll() is None and "at work" not in said.read_text():
            time.sleep(0.05)
        yield
        assert process.poll() is None, said.read_text()[-3000:]
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def let_expire(portal: LivePortal, upload: str, seconds: float) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(tzinfo=None)
    with closing(sqlite3.connect(portal.var / "db.sqlite3", timeout=20)) as database, database:
        database.execute("UPDATE uploads_upload SET expires_at = ? WHERE id = ?", (str(at), Path(upload).name))


def race_expiry(one: Wire, other: Wire, patience: float = 90) -> Counter[str]:
    """The end comes about when the second piece does, however long a piece takes on this machine just now."""
    seen: Counter[str] = Counter()
    both = until_both_won(races(one, other, 10 * RACES), seen, "PATCH 204", "PATCH 410")
    for race, wire in zip(both, cycle((one, other)), strict=False):
        began = time.monotonic()
        assert wire.patch(race.upload, 0, race.data[:1000]).status == 204
        took = time.monotonic() - began
        let_expire(one.portal, race.upload, race.data[0] / 255 * 2 * took)
        time.sleep(race.data[1] / 255 * took)
        written = wire.patch(race.upload, 1000, race.data[1000:])
        assert written.status in {204, 404, 410, 423}, written
        seen[f"PATCH {written.status}"] += 1
        if written.status == 204:
            race.check_whole()
        else:
            wait_until_over(race, patience)
            race.check_over()
    return seen


def wait_until_over(race: Race, patience: float) -> None:
    """Refused in the moment after its end: the task comes by soon, says so, and then gives the space back."""
    deadline = time.monotonic() + patience
    while race.state() == "receiving" or race.has_lock_file():
        assert time.monotonic() < deadline, "it is refused as expired and never ends"
        time.sleep(0.005)


def test_an_expiry_that_meets_writing_leaves_all_or_nothing(start_portal: StartPortal, found: Found) -> None:
    one, other = two_servers(start_portal)
    with expiring(one.portal):
        seen = race_expiry(one, other)
    found(told(seen))
    assert min(seen["PATCH 204"], seen["PATCH 410"]) > 0, f"one side always wins: {seen}"


def test_an_expiry_that_looks_at_no_lock_is_noticed(start_portal: StartPortal) -> None:
    """Planted: it removes the bytes without asking whether somebody writes, and before it says so."""
    one, other = two_servers(start_portal)
    with pytest.raises(AssertionError), expiring(one.portal, FORGET_BYTES_FIRST):
        race_expiry(one, other, patience=5)  # it never says so


# --- many files


def test_many_files_at_once_over_two_servers_are_counted_right(start_portal: StartPortal) -> None:
    one, other = two_servers(start_portal)
    data = os.urandom(10_000)

    def send_some(wire: Wire, first: int) -> list[int]:
        return [wire.create(len(data), f"file-{number}", data).status for number in range(first, first + 25)]

    with ThreadPoolExecutor(4) as pool:
        statuses = [status for some in pool.map(send_some, (one, other) * 2, range(0, 100, 25)) for status in some]
    assert statuses == [201] * 100
    rows = one.portal.query("SELECT file_count, received_count, bytes_expected FROM portal_dataset")
    assert rows == [(100, 100, 1_000_000)]
