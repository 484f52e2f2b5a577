"""`labcourier get` against the real server: killed, cut off, refused, and with other things in its way."""

import csv
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any

import pytest

from tests.faults.live_portal import CHECKOUT
from tests.sharing.handover import Handover, handed_over

SMALL = {f"small/{number // 500}/tile {number:04}.dat": 150 + number % 700 for number in range(3000)}
LARGE = {"größe/movie 1.mrc": 12_000_000, "größe/movie 2.mrc": 9_000_000, "stack.mrc": 9_000_000}
SIZES = SMALL | LARGE | {"empty.log": 0}
TOTAL = sum(SIZES.values())
# Of a bundle, beside the content: a header and padding for each member.
BESIDES = len(SMALL) * 1024


def content(path: str) -> bytes:
    return random.Random(path).randbytes(SIZES[path])  # noqa: S311


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("portal"), SIZES) as handed:
        yield handed


@pytest.fixture
def handover(handed: Handover) -> Handover:
    """As if nothing had been taken yet."""
    handed.forget()
    handed.change(
        "update sharing_sharelink set state = 'not_opened', files_complete = 0, files_verified = 0,"
        " completed_at = null, verified_at = null, revoked_at = null",
    )
    return handed


@dataclass(frozen=True)
class Rita:
    """A recipient's computer."""

    home: Path
    link: str

    @property
    def dest(self) -> Path:
        return self.home / "data"

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "labcourier_agent", *arguments],
            env=self.environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def get(self, *options: str) -> dict[str, Any]:
        outcome = self.run("get", self.link, str(self.dest), "--json", *options)
        document: dict[str, Any] = json.loads(outcome.stdout)
        assert document["exit_code"] == outcome.returncode
        assert "lcs_" not in outcome.stderr
        return document

    def start(self, *options: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "labcourier_agent", "get", self.link, str(self.dest), "--json", *options],
            env=self.environment, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "LABCOURIER_HOME": str(self.home / "agent")}

    def landed(self) -> int:
        """Bytes that lie there, while files are being put in their places: one may be gone since it was listed."""
        size = 0
        for path in self.dest.rglob("*"):
            with suppress(FileNotFoundError):
                about = path.stat()
                size += about.st_size if S_ISREG(about.st_mode) else 0
        return size

    def has_everything(self) -> bool:
        files = {path.relative_to(self.dest).as_posix() for path in self.dest.rglob("*") if path.is_file()}
        assert files == {*SIZES, "manifest-sha256.txt"}
        return all((self.dest / path).read_bytes() == content(path) for path in SIZES)


@pytest.fixture
def rita(handover: Handover, tmp_path: Path) -> Rita:
    return Rita(tmp_path, handover.url(handover.address))


def until(is_true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_everything_comes_small_files_together_and_the_portal_knows_it_is_verified(
    rita: Rita, handover: Handover
) -> None:
    requests = len(handover.downloads())
    fetched = rita.get()
    assert (fetched["files"], fetched["verified"], fetched["told"]) == (len(SIZES),) * 3
    assert rita.has_everything()
    assert handover.link_state() == "verified"
    states = handover.portal.query("select state, count(*) from sharing_receipt group by state")
    assert states == [("verified", len(SIZES))]
    assert len(handover.downloads()) - requests < 12
    assert rita.get()["bytes_fetched"] == 0
    checked = subprocess.run(["sha256sum", "--quiet", "-c", "manifest-sha256.txt"], cwd=rita.dest, check=False)
    assert checked.returncode == 0


def test_after_kill_9_the_same_command_fetches_what_is_missing(rita: Rita, handover: Handover) -> None:
    killed = rita.start("--bwlimit", "8M")
    until(lambda: rita.landed() > 6_000_000)
    killed.kill()
    killed.communicate()
    landed = rita.landed()
    assert 6_000_000 < landed < TOTAL - 5_000_000
    fetched = rita.get()
    # What lay in Python's buffer of an unfinished file, and a small file that was half written, come again.
    assert TOTAL - landed <= fetched["bytes_fetched"] <= TOTAL - landed + BESIDES + 200_000
    assert rita.has_everything()
    assert handover.link_state() == "verified"


def test_ctrl_c_and_again(rita: Rita) -> None:
    stopped = rita.start("--bwlimit", "8M")
    until(lambda: rita.landed() > 6_000_000)
    stopped.terminate()
    told = json.loads(stopped.communicate(timeout=60)[0])
    assert (stopped.returncode, told["exit_code"], told["error"]) == (130, 130, "Interrupted.")
    landed = rita.landed()
    fetched = rita.get()
    assert fetched["bytes_fetched"] <= TOTAL - landed + BESIDES + 200_000 + len(
        (rita.dest / "manifest-sha256.txt").read_bytes()
    )
    assert rita.has_everything()


def test_a_server_that_is_killed_meanwhile_is_waited_for(rita: Rita, handover: Handover) -> None:
    running = rita.start("--bwlimit", "8M")
    until(lambda: rita.landed() > 8_000_000)
    handover.portal.kill()
    time.sleep(1)
    handover.portal.start()
    told = json.loads(running.communicate(timeout=240)[0])
    assert (running.returncode, told["verified"], told["told"]) == (0, len(SIZES), len(SIZES))
    assert told["bytes_fetched"] < TOTAL + BESIDES + 8_000_000
    assert rita.has_everything()
    assert handover.link_state() == "verified"


def test_what_is_in_the_folder_is_kept_completed_or_left_alone(rita: Rita) -> None:
    def put(path: str, data: bytes) -> None:
        (rita.dest / path).parent.mkdir(parents=True, exist_ok=True)
        (rita.dest / path).write_bytes(data)

    small, cut_small, foreign_small, *_ = SMALL
    equal, cut, foreign = LARGE
    put(small, content(small))
    put(cut_small, content(cut_small)[:50])
    put(foreign_small, b"mine, not yours")
    put(equal, content(equal))
    put(cut, content(cut)[:8_500_000])
    put(foreign, b"x" * LARGE[foreign])
    put("notes of mine.txt", b"mine")
    fetched = rita.get()
    assert fetched["exit_code"] == 7
    assert {failure["path"] for failure in fetched["failed"]} == {foreign_small, foreign}
    assert fetched["bytes_fetched"] < 500_000 + sum(SMALL.values()) + BESIDES
    assert (rita.dest / cut).read_bytes() == content(cut)
    assert (rita.dest / cut_small).read_bytes() == content(cut_small)
    assert (rita.dest / foreign).read_bytes() == b"x" * LARGE[foreign]
    assert (rita.dest / foreign_small).read_bytes() == b"mine, not yours"

    assert rita.get("--overwrite")["verified"] == len(SIZES)
    (rita.dest / "notes of mine.txt").unlink()
    assert rita.has_everything()


def test_a_shorter_file_with_another_beginning_is_no_copy_that_was_cut_off(rita: Rita) -> None:
    rita.dest.mkdir()
    (rita.dest / "stack.mrc").write_bytes(b"y" * 8_900_000)
    fetched = rita.get("--include", "stack.mrc")
    assert (fetched["exit_code"], fetched["failed_count"]) == (7, 1)
    assert [path.name for path in rita.dest.iterdir() if path.name != "manifest-sha256.txt"] == ["stack.mrc"]
    assert (rita.dest / "stack.mrc").read_bytes() == b"y" * 8_900_000


def test_a_link_that_ends_meanwhile_ends_the_run_and_what_came_is_listed(rita: Rita, handover: Handover) -> None:
    running = rita.start("--bwlimit", "6M", "--transfers", "1")
    until((rita.dest / "größe" / "movie 1.mrc").exists)
    handover.change("update sharing_sharelink set revoked_at = created_at")
    told = json.loads(running.communicate(timeout=240)[0])
    assert running.returncode == 4
    assert "does not work any more" in told["error"]
    assert 0 < told["verified"] < len(SIZES)
    lines = (rita.dest / "manifest-sha256.txt").read_text().splitlines()
    assert len(lines) == told["verified"]
    assert rita.run("verify", str(rita.dest)).returncode in (0, 7)


def test_a_file_that_the_portal_cannot_read_does_not_keep_the_others_from_coming(
    rita: Rita, handover: Handover
) -> None:
    damaged = "small/2/tile 1234.dat"
    place = next((handover.portal.var / "files").rglob("tile 1234.dat"))
    place.write_bytes(b"?" * SIZES[damaged])
    try:
        fetched = rita.get("--include", "small/2")
    finally:
        place.write_bytes(content(damaged))
    assert (fetched["files"], fetched["verified"], fetched["exit_code"]) == (500, 499, 5)
    assert [failure["path"] for failure in fetched["failed"]] == [damaged]
    assert rita.get("--include", "small/2")["verified"] == 500


def test_parts_that_come_one_after_the_other_share_one_list_of_digests(rita: Rita) -> None:
    rita.get("--include", "small/1", "--exclude", "tile 0999.dat")
    rita.get("--include", "stack.mrc")
    lines = (rita.dest / "manifest-sha256.txt").read_text().splitlines()
    assert len(lines) == 500
    assert rita.run("verify", str(rita.dest)).returncode == 0


def test_verify_finds_what_is_missing_different_and_extra(rita: Rita) -> None:
    rita.get("--include", "small/1")
    folder = rita.dest / "small" / "1"
    (folder / "tile 0500.dat").unlink()
    (folder / "tile 0501.dat").write_bytes(b"other")
    (folder / "tile 0501b.dat").write_bytes(b"new")
    checked = rita.run("verify", str(rita.dest), "--differences")
    rows = {row["path"]: row["result"] for row in csv.DictReader(io.StringIO(checked.stdout))}
    assert checked.returncode == 7
    assert rows == {
        "small/1/tile 0500.dat": "missing",
        "small/1/tile 0501.dat": "different",
        "small/1/tile 0501b.dat": "extra",
    }
    document = json.loads(rita.run("verify", str(rita.dest), "--json").stdout)
    assert document["counts"] == {"same": 498, "different": 1, "missing": 1, "extra": 1, "unreadable": 0}
    assert rita.run("verify", str(rita.home)).returncode == 3


def test_what_makes_no_sense_is_refused_before_anything_is_made(rita: Rita, handover: Handover) -> None:
    assert rita.run("get", "https://portal.example.org/s/nothing", str(rita.dest)).returncode == 2
    nobody = rita.run("get", "https://portal.example.org/datasets/1", str(rita.dest))
    assert (nobody.returncode, "labcourier login" in nobody.stderr) == (3, True)
    assert rita.run("get", handover.url("/s/lcs_nothing"), str(rita.dest)).returncode == 4
    assert rita.get("--include", "nothing.at.all")["exit_code"] == 3
    assert not (rita.dest / "small").exists()


def test_what_a_link_opens_is_listed_without_counting_as_anything(rita: Rita, handover: Handover) -> None:
    listed = csv.DictReader(io.StringIO(rita.run("ls", rita.link).stdout))
    assert {row["path"]: int(row["size"]) for row in listed} == SIZES
    assert handover.link_state() == "not_opened"


def test_memory_stays_below_a_hundred_megabytes(rita: Rita) -> None:
    running = rita.start()
    peak = 0
    while running.poll() is None:
        lines = Path(f"/proc/{running.pid}/status").read_text().splitlines()
        peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.02)
    running.communicate()
    assert running.returncode == 0
    assert 10_000 < peak < 100_000  # kB
