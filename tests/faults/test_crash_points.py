"""P1: the server dies at every write, flush, rename and commit of the write path; no acknowledged byte is lost.

A point counts when the disk, the database or the sender knows something else than at the one before
(`crashes/boundaries.py`); both manners together have more than 300.

`kill`: the process ends, the kernel keeps what was written. `power`: unflushed data and names of unflushed folders
are gone too, simulated from inside the process (`crashes/power_loss.py`).
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Found
from tests.faults.live_portal import CHECKOUT, Facility, copy_facility, environment_of
from tests.faults.sizes import times

pytestmark = pytest.mark.promise("P1")
POINTS = times(50, 1000)  # a campaign takes all there are


def crash(facility: Facility, folder: Path, *arguments: object) -> Any:
    copy_facility(facility, folder / "var")
    command = [sys.executable, "-m", "tests.faults.crashes", facility.secret, *map(str, arguments)]
    environment = environment_of(folder / "var") | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["kill", "power"])
def test_every_acknowledged_byte_survives_a_crash_at_any_boundary(
    facility: Facility, folder: Path, found: Found, manner: str
) -> None:
    told = crash(facility, folder, manner, POINTS)
    found(f"{manner}: {told['points']} of {told['boundaries']} crash points, {len(told['failures'])} with a loss")
    assert not told["failures"]
    assert told["points"] >= times(50, 150)  # 300 in a campaign, in both manners together


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "points"), [("no_data_flush", 12), ("no_folder_flush", 12), ("no_file_system_flush", 24)]
)
def test_a_flush_that_is_left_out_would_be_noticed(
    facility: Facility, folder: Path, found: Found, fault: str, points: int
) -> None:
    told = crash(facility, folder, "power", points, fault)
    found(f"planted {fault}: noticed at {len(told['failures'])} of {told['points']} crash points")
    assert told["failures"]
