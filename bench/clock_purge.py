"""A dataset of a million files is removed for good while people look at pages: how fast, and what they notice."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from bench.clock_stage import DATABASES, database_url
from bench.figures import Figure, percentile
from bench.memory import peak_memory
from bench.stage import Stage, stage
from portal.config import ROOT

COMMAND = ".venv/bin/python -m bench.clock"
BETWEEN_PAGES = 0.05  # seconds
DELETE = """
from datetime import timedelta
from django.utils import timezone
from keeping.models import Keeping
from portal.models import Dataset
now, dataset = timezone.now(), Dataset.objects.get(name="{name}")
Keeping.objects.update_or_create(
    dataset=dataset, defaults={{"deleted_at": now, "deleted_by": "bench", "purge_after": now - timedelta(days=1)}}
)
Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.EXPIRED)
"""
PURGE = """
import math
from django.utils import timezone
from keeping.services.purging import purge_deleted
print(purge_deleted(clock=timezone.now, seconds=math.inf))
"""


def measure(quick: bool) -> Iterator[Figure]:
    count = 10_000 if quick else 1_000_000
    for database in DATABASES:
        with database_url(database) as url, stage(LABCOURIER_DATABASE_URL=url) as portal:
            yield from _measure(portal, count, database)


def _measure(portal: Stage, count: int, database: str) -> Iterator[Figure]:
    link = _link(portal)
    print(f"putting {count:,} files into a store and {database} ...", file=sys.stderr)
    dataset = _program(portal, "-m", "bench.many_files", str(count)).communicate()[0].strip()
    quiet = [_page_seconds(link) for _ in range(40)]
    _program(portal, *_shell(DELETE.format(name=dataset))).communicate()
    began, pages = time.perf_counter(), []
    purge = _program(portal, *_shell(PURGE))
    with peak_memory(purge.pid) as peak:
        while purge.poll() is None:
            pages.append(_page_seconds(link))
            time.sleep(BETWEEN_PAGES)
    seconds = time.perf_counter() - began
    if purge.communicate()[0].strip() != "1":
        raise SystemExit("the dataset was not removed")
    name = f"removing a dataset of {count:,} files, {database}"
    yield Figure(name, "files/s", count / seconds, COMMAND)
    yield Figure(f"memory, {name}", "MB", peak.megabytes, COMMAND, less_is_better=True, aim="flat")
    yield _milliseconds(f"p95 of a link's page while {name}", pages, "< 300 ms")
    yield Figure(f"slowest of a link's page while {name}", "ms", max(pages) * 1e3, COMMAND, less_is_better=True)
    yield _milliseconds(f"p95 of a link's page before {name}", quiet)


def _link(portal: Stage) -> str:
    """Of another dataset, which stays."""
    with tempfile.TemporaryDirectory(dir=portal.folder) as folder:
        Path(folder, "a.tif").write_bytes(b"a" * 1000)
        return portal.links(portal.send(Path(folder)))[0]


def _program(portal: Stage, *arguments: str) -> "subprocess.Popen[str]":
    env = {**os.environ, **portal.programs.env, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def _shell(script: str) -> list[str]:
    return ["manage.py", "shell", "--no-imports", "--command", script]


def _page_seconds(url: str) -> float:
    began = time.perf_counter()
    with urlopen(url, timeout=60) as answer:
        answer.read()
    return time.perf_counter() - began


def _milliseconds(claim: str, seconds: list[float], aim: str = "") -> Figure:
    return Figure(claim, "ms", percentile(seconds, 95) * 1e3, COMMAND, less_is_better=True, aim=aim)
