"""Forks of one process: a server that is killed at a crash point, and the one that is started afterwards."""

import json
import os
import shutil
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.test import Client

from dataplane import receive, staging, staging_writer, unpacking
from portal import queue, storage
from tests.faults.crashes.boundaries import Boundaries
from tests.faults.crashes.power_loss import WorstCaseDisk
from tests.faults.crashes.story import Pc
from uploads.services.stop import staging_area

LEASES_HAVE_RUN_OUT = timedelta(hours=1)


class Stage:
    """`fault` is planted in every server: `no_data_flush`, `no_folder_flush`, `no_file_system_flush` or none."""

    def __init__(self, secret: str, *, power: bool, fault: str) -> None:
        self._secret = secret
        self._power = power
        self._fault = fault
        self._var = Path(settings.VAR)
        self._pristine = self._var.with_name("pristine")
        self._roots = (settings.FILES_ROOT, settings.STAGING_ROOT)
        self._notes, self._memory = self._var / "notes", self._var / "memory"
        queue._ring = lambda task_name, ids, delay: None
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
        receive.RECORD_EVERY, receive.PIECE = 40_000, 15_000
        Client().get("/healthz")
        for root in self._roots:
            root.mkdir(exist_ok=True)
        storage.store().prepare()
        staging_area().prepare()
        connections.close_all()
        shutil.copytree(self._var, self._pristine)

    def rehearse(self) -> list[str]:
        """The names of all boundaries of the story, in order."""
        failure = self._serve(0)
        assert not failure, failure
        names: list[str] = json.loads((self._var / "passed").read_text())
        return names

    def crash_and_go_on(self, point: int) -> str:
        """What is wrong after a crash there, or nothing."""
        failure = self._serve(point)
        if failure:
            return f"before the crash: {failure}"
        if self._power:
            for root in self._roots:
                WorstCaseDisk(self._memory).after_power_loss(root)
        return in_a_fork(lambda: Pc(self._secret, self._notes).tell(LEASES_HAVE_RUN_OUT), self._var / "failure")

    def _serve(self, point: int) -> str:
        shutil.rmtree(self._var)
        shutil.copytree(self._pristine, self._var)
        return in_a_fork(lambda: self._tell_until(point), self._var / "failure")

    def _tell_until(self, point: int) -> None:
        disk = WorstCaseDisk(self._memory)
        disk.begin(*self._roots)
        boundaries = Boundaries(point, disk if self._power else None)
        boundaries.install()
        self._plant()
        Pc(self._secret, self._notes, boundaries.acknowledging).tell()
        (self._var / "passed").write_text(json.dumps(boundaries.passed))

    def _plant(self) -> None:
        if self._fault == "no_data_flush":
            staging_writer.sync_descriptor = lambda descriptor: None  # type: ignore[attr-defined]
        if self._fault == "no_folder_flush":
            staging_writer.sync_folder = staging.sync_folder = lambda folder: None  # type: ignore[attr-defined]
        if self._fault == "no_file_system_flush":
            unpacking.sync_file_system = lambda folder: None


def in_a_fork(act: Callable[[], object], failure: Path) -> str:
    """Does it in a process of its own; what went wrong there. Being killed is not wrong."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException:  # noqa: BLE001  (told to the parent, whatever it is)
            failure.write_text(traceback.format_exc()[-1500:])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    told = failure.read_text() if failure.exists() else ""
    failure.unlink(missing_ok=True)
    return told
