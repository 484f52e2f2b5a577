"""P8: a worker is killed at each step of each task; a new one does what it left, within two minutes and not twice.

A point counts when the disk, the database or whoever is called knows something else than at the one before: before the
commit of a claim, after it, in the work, before the commit that tells of it, between that and the next bell
(`crashes/boundaries.py`). The broker has forgotten everything after each crash. `CRASH_AT=<task>:<number>` in the
environment takes one point alone, as a failure names it. A campaign does that on PostgreSQL as well.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from checks.postgresql import FAST, throwaway_server
from tests.faults.clockwork.mailbox import mailbox
from tests.faults.clockwork.outside import outside
from tests.faults.conftest import Found
from tests.faults.live_portal import CHECKOUT, Facility, copy_facility, environment_of, make_facility
from tests.faults.sizes import CAMPAIGN, times

pytestmark = pytest.mark.promise("P8")
OF_EACH = times(1, 1000)  # points of each task; a campaign takes all there are
TASKS = {
    "delivery.tasks.copy_task", "delivery.tasks.hook_task", "delivery.tasks.push_released_task",
    "delivery.tasks.push_task", "delivery.tasks.sweep_copies_task", "keeping.tasks.copy_task",
    "keeping.tasks.purge_task", "keeping.tasks.remove_unfinished_task", "keeping.tasks.reread_task",
    "keeping.tasks.retention_task", "portal.tasks.forget_digests_task", "portal.tasks.measure_storage_task",
    "portal.tasks.read_returned_mail_task", "portal.tasks.send_due_mail_task", "portal.tasks.storage_report_task",
    "reminders.tasks.expire_links_task", "reminders.tasks.remind_task", "sharing.tasks.dispatch_dataset_task",
    "sharing.tasks.lay_out_dataset_task", "sharing.tasks.sweep_task", "uploads.tasks.expire_uploads_task",
    "uploads.tasks.remove_older_versions_task", "uploads.tasks.silent_agents_task", "uploads.tasks.sweep_task",
    "uploads.tasks.verify_task",
}  # fmt: skip


Portal = tuple[str, dict[str, object]]  # the secret of its token, and the settings that name its database


@contextmanager
def sqlite(facility: Facility, var: Path) -> Iterator[Portal]:
    copy_facility(facility, var)
    yield facility.secret, {}


@contextmanager
def postgresql(_facility: Facility, var: Path) -> Iterator[Portal]:
    with throwaway_server(*FAST) as server:
        with psycopg.connect(server.url, autocommit=True) as administrator:
            administrator.execute("CREATE DATABASE portal")
        settings: dict[str, object] = {"database_url": server.url.rpartition("/")[0] + "/portal"}
        yield make_facility(var, **settings).secret, settings


ON_SQLITE = pytest.param(sqlite, id="sqlite", marks=pytest.mark.on_database("SQLite"))
ON_POSTGRESQL = pytest.param(postgresql, id="postgresql", marks=pytest.mark.on_database("PostgreSQL"))


def kill_workers(secret: str, folder: Path, **database: object) -> Any:
    var = folder / "var"
    stores = json.dumps({"archive": {"kind": "folder", "path": str(var / "archive")}})
    with outside(folder / "outside") as world, mailbox(world.folder) as returned:
        settings = world.settings() | {"stores": stores, "destination_mounts": var / "mount", "log_level": "ERROR"}
        settings |= {"bounce_mailbox": returned, "storage_report": "daily"} | database
        environment = environment_of(var, **settings) | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        arguments = [secret, world.folder, world.hook_port, OF_EACH]
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.clockwork", *map(str, arguments)],
            cwd=CHECKOUT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("database", [ON_SQLITE, ON_POSTGRESQL] if CAMPAIGN else [ON_SQLITE])
def test_a_new_worker_does_what_a_killed_one_left(
    facility: Facility, folder: Path, found: Found, database: Callable[..., AbstractContextManager[Portal]]
) -> None:
    with database(facility, folder / "var") as (secret, settings):
        told = kill_workers(secret, folder, **settings)
    tasks, points = len(told["points"]), sum(told["points"].values())
    found(f"workers of {tasks} tasks killed at {told['tried']} of {points} points, {len(told['failures'])} not healed")
    assert not told["failures"]
    assert set(told["points"]) >= TASKS
    for fault, crashes in told["noticed"].items():
        found(f"planted {fault}: noticed after {crashes} crashes")
        assert crashes, f"{fault} was not noticed"
