"""P1: an acknowledged byte survives kill -9 of the server in the middle of a PATCH."""

import hashlib
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.conftest import Found, StartPortal
from tests.faults.live_portal import CONFIGURATION, LivePortal, Wire
from tests.faults.sizes import times

KILLS = times(20, 200)
SEED = 20_261_120
pytestmark = pytest.mark.promise("P1")
MIB = 1024 * 1024
PLANTED = Path(__file__).parent / "planted" / "acknowledge_before_writing.py"


class Sender:
    """Sends one file piece after piece until the line breaks, and remembers what was acknowledged."""

    def __init__(self, wire: Wire, data: bytes) -> None:
        self._wire = wire
        self._data = data
        self.upload = wire.start(len(data), "scan.mrc")
        self.acknowledged = 0

    def send_until_the_line_breaks(self, piece: int) -> None:
        """Only a broken line ends it early: any refusal on the way is a failure of the server."""
        try:
            while self.acknowledged < len(self._data):
                self.acknowledged = self.send_one(piece)
        except OSError:
            return
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise

    def send_one(self, piece: int) -> int:
        """The offset that is acknowledged."""
        body = self._data[self.acknowledged : self.acknowledged + piece]
        answer = self._wire.patch(self.upload, self.acknowledged, body)
        assert answer.status == 204, answer
        return answer.offset

    def true_offset(self) -> int:
        answer = self._wire.head(self.upload)
        assert answer.status == 200, f"{answer.status}: {answer.body!r}"
        assert answer.offset >= self.acknowledged, f"{self.acknowledged - answer.offset} acknowledged bytes are lost"
        return answer.offset

    def check_content(self, portal: LivePortal, offset: int) -> None:
        name = Path(self.upload).name
        places = [portal.var / "staging" / name, portal.var / "files" / ".received" / name]
        stored = b"".join(place.read_bytes() for place in places if place.exists())
        assert len(stored) >= offset
        assert hashlib.sha256(stored[:offset]).digest() == hashlib.sha256(self._data[:offset]).digest()


def kill_again_and_again(start_portal: StartPortal, configuration: Path, kills: int) -> None:
    """Kill the server at random moments of random pieces; after each, look at what it still knows.

    Before the first kill something was acknowledged, however slow the machine is: else there is nothing to be lost.
    """
    chance = random.Random(SEED)  # noqa: S311  (the same kills each time)
    data = os.urandom(8 * MIB) * 16
    portal = start_portal(configuration)
    sender = Sender(Wire(portal), data)
    sender.acknowledged = sender.send_one(2 * MIB)
    with ThreadPoolExecutor(max_workers=1) as beside:
        _kill_in_the_middle(portal, sender, kills, chance, beside)
    sender.send_until_the_line_breaks(16 * MIB)
    assert sender.acknowledged == len(data)
    sender.check_content(portal, len(data))


def _kill_in_the_middle(
    portal: LivePortal, sender: Sender, kills: int, chance: random.Random, beside: ThreadPoolExecutor
) -> None:
    for _ in range(kills):
        piece = chance.choice([300_000, 2 * MIB, 7 * MIB + 1, 100 * MIB])
        sending = beside.submit(sender.send_until_the_line_breaks, piece)
        time.sleep(chance.uniform(0.02, 0.4))
        portal.kill()
        sending.result()  # a refusal met by the sender fails the test here
        portal.start()
        sender.acknowledged = sender.true_offset()
        sender.check_content(portal, sender.acknowledged)


@pytest.mark.slow
def test_no_acknowledged_byte_is_lost_when_the_server_is_killed(start_portal: StartPortal, found: Found) -> None:
    kill_again_and_again(start_portal, CONFIGURATION, KILLS)
    found(f"seed {SEED}: {KILLS} kills in the middle of a PATCH, none with a loss")


@pytest.mark.slow
def test_bytes_acknowledged_from_memory_would_be_noticed(start_portal: StartPortal, found: Found) -> None:
    with pytest.raises(AssertionError, match=r"410|acknowledged"):
        kill_again_and_again(start_portal, PLANTED, 5)
    found("planted: bytes are acknowledged while they are in memory; noticed")
