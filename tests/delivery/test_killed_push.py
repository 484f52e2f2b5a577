"""A worker is killed in the middle of a push; the next one sends only what is missing."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.faults.live_portal import environment_of, manage
from tests.sharing.handover import HANDED_OVER, until

pytestmark = pytest.mark.own_database

FILES = 2500
ASK = """
from pathlib import Path
from delivery.models import Destination
from delivery.services.push_begin import begin_push
from delivery.vault import lock_away
from portal.actors import Actor
from portal.models import Dataset, User
from django.utils import timezone
bob, dataset = User.objects.create_user("bob@facility.example"), Dataset.objects.get()
destination = Destination.objects.create(
    project=dataset.project, name="Disk", kind="mount", place="disk", options={{"mount": "{mount}", "folder": ""}},
    locked=lock_away({{}}), created_by=bob,
)
begin_push(dataset=dataset, destination=destination, occasion="hand:1", actor=Actor.of_user(bob))
"""
PUSH = """
from datetime import timedelta
from django.utils import timezone
from delivery.services.pushing import push_next
print(push_next(clock=lambda: timezone.now() + timedelta(minutes={later})))
"""


def shell(script: str) -> list[str]:
    return ["shell", "--no-imports", "--command", script]


def at_once(script: str) -> str:
    """In one transaction, else each of some thousand rows is flushed to the disk."""
    return f"from django.db import transaction\nwith transaction.atomic():\n    exec({script!r})"


@pytest.mark.slow  # three portals are started, one after the other
def test_the_next_worker_sends_what_is_missing(tmp_path: Path) -> None:
    var, mount = tmp_path / "var", tmp_path / "mount"
    environment, there = environment_of(var), mount / "session"
    mount.mkdir()
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, *shell(at_once(HANDED_OVER.format(sizes={f"{n:04}.dat": 10_000 for n in range(FILES)}))))
    manage(environment, *shell(ASK.format(mount=mount)))

    worker = subprocess.Popen([sys.executable, "manage.py", *shell(PUSH.format(later=0))], env=environment)
    until(lambda: there.exists() and len(list(there.iterdir())) > 20)
    rclone = psutil.Process(worker.pid).children()
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert rclone
    until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in rclone))
    assert state(var)[0] == "pushing"

    before = {path.name: path.stat().st_ino for path in there.glob("*.dat")}
    assert manage(environment, *shell(PUSH.format(later=0))).strip().endswith("False"), "somebody has it still"
    assert manage(environment, *shell(PUSH.format(later=3))).strip().endswith("True")
    assert state(var) == ("done", FILES, "")
    assert {name: (there / name).stat().st_ino for name in before} == before
    found = {path.name: path.read_bytes() for path in there.iterdir()}
    assert found == {path.name: path.read_bytes() for path in (var / "files" / "em" / "session").iterdir()}


def state(var: Path) -> tuple[str, int, str]:
    with closing(sqlite3.connect(var / "db.sqlite3", timeout=20)) as database:
        row: tuple[str, int, str] = database.execute(
            "select state, files_done, reason from delivery_delivery"
        ).fetchone()
        return row
