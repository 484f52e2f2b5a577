"""P4: concurrent requests over two server processes never corrupt an upload."""

import hashlib
import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import StartPortal
from tests.faults.live_portal import Answer, Wire
from tests.faults.sizes import times

RACES = times(100, 2_000)
pytestmark = pytest.mark.promise("P4")
PLANTED = Path(__file__).parent / "planted" / "no_lock.py"
SIZE = 400_000
HALF = SIZE // 2

Request = Callable[[], Answer]


def at_once(*requests: Request) -> list[Answer]:
    """All answers; the requests leave at the same moment."""
    gate = threading.Barrier(len(requests))
    answers: list[Answer] = []

    def send(request: Request) -> None:
        gate.wait()
        answers.append(request())

    threads = [threading.Thread(target=send, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(requests), "a request broke"
    return answers


def race_patches(one: Wire, other: Wire, races: int) -> Counter[int]:
    """Several writers at the same offset, readers between them; then the upload is finished and looked at."""
    seen: Counter[int] = Counter()
    for number in range(races):
        data = os.urandom(SIZE)
        upload = one.start(SIZE, f"race-{number}")
        writers = [partial(wire.patch, upload, 0, data[:HALF]) for wire in (one, other, one)]
        readers = [partial(wire.head, upload) for wire in (one, other)]
        statuses = [answer.status for answer in at_once(*writers, *readers)]
        seen.update(statuses)
        assert not [status for status in statuses if status >= 500], statuses
        assert statuses.count(204) <= 1, f"one range was accepted {statuses.count(204)} times"
        assert set(statuses) <= {200, 204, 409, 423}, statuses
        finish(one, upload, data)
    return seen


def finish(wire: Wire, upload: str, data: bytes) -> None:
    offset = wire.head(upload).offset
    assert wire.patch(upload, offset, data[offset:]).status == 204
    stored = (wire.portal.var / "files" / ".received" / Path(upload).name).read_bytes()
    assert hashlib.sha256(stored).digest() == hashlib.sha256(data).digest(), "the content is not what was sent"


@pytest.mark.slow
def test_one_range_is_accepted_once_over_two_servers(start_portal: StartPortal) -> None:
    one, other = Wire(start_portal()), Wire(start_portal())
    seen = race_patches(one, other, RACES)
    assert seen[204] > RACES // 4, f"hardly anything was accepted: {seen}"
    assert seen[409] + seen[423] > 0, "nothing ever met"


@pytest.mark.slow
def test_without_the_lock_the_race_is_lost(start_portal: StartPortal) -> None:
    one, other = Wire(start_portal(PLANTED)), Wire(start_portal(PLANTED))
    with pytest.raises(AssertionError, match=r"was accepted \d times|not what was sent|50\d"):
        race_patches(one, other, RACES)


@pytest.mark.slow
def test_deleting_and_expiring_meet_writing_without_harm(start_portal: StartPortal) -> None:
    one, other = Wire(start_portal()), Wire(start_portal())
    chance = random.Random(7)  # noqa: S311  (the same races each time)
    for number in range(RACES // 4):
        data = os.urandom(SIZE)
        upload = one.start(SIZE, f"race-{number}")
        one.patch(upload, 0, data[:1000])
        rivals = [partial(other, "DELETE", upload), partial(other.head, upload)]
        writer = partial(one.patch, upload, 1000, data[1000:])
        answers = at_once(writer, chance.choice(rivals), chance.choice(rivals))
        statuses = {answer.status for answer in answers}
        assert statuses <= {200, 204, 409, 410, 423}, statuses
        ((state, offset),) = one.portal.query(
            "SELECT state, offset FROM uploads_upload WHERE id = ?", Path(upload).name
        )
        whole = one.portal.var / "files" / ".received" / Path(upload).name
        assert whole.exists() == (state == "finished")
        if state == "finished":
            assert (offset, whole.read_bytes()) == (SIZE, data)


@pytest.mark.slow
def test_many_files_at_once_over_two_servers_are_counted_right(start_portal: StartPortal) -> None:
    one, other = Wire(start_portal()), Wire(start_portal())
    data = os.urandom(10_000)

    def send_some(wire: Wire, first: int) -> None:
        for number in range(first, first + 25):
            assert wire.create(len(data), f"file-{number}", data).status == 201

    senders = [threading.Thread(target=send_some, args=((one, other)[n % 2], n * 25)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    rows = one.portal.query("SELECT file_count, received_count, bytes_expected FROM portal_dataset")
    assert rows == [(100, 100, 1_000_000)]
