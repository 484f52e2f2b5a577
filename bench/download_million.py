"""A dataset of a million files: its page, its lists, the first byte of its zip, and what that costs in memory."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import urlopen

from bench.figures import Figure
from bench.memory import peak_memory
from bench.stage import Stage
from bench.web_client import fetch, first_byte
from portal.config import ROOT

COMMAND = ".venv/bin/python -m bench.downloads --only million"
AGAIN = 5
TAKEN = 256 * 2**20  # bytes of the zip that are fetched from its beginning while memory is watched


def measure(portal: Stage, quick: bool) -> Iterator[Figure]:
    count = 10_000 if quick else 1_000_000
    print(f"putting {count:,} files into a store and a database ...", file=sys.stderr)
    dataset = _seeded(portal, count)
    link = portal.links(dataset)[0]
    name = f"{count:,} files"
    yield from _answers(portal, link, dataset, name)
    yield from _memory(portal, f"{link}/{dataset}.zip", name)


def _seeded(portal: Stage, count: int) -> str:
    env = {**os.environ, **portal.programs.env, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    seeding = [sys.executable, "-m", "bench.many_files", str(count)]
    return subprocess.run(seeding, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def _answers(portal: Stage, link: str, dataset: str, name: str) -> Iterator[Figure]:
    """Each for the first time, then again: milliseconds."""
    listing = f"{portal.url}/api/v1/shared/{urlsplit(link).path.rpartition('/')[2]}/files?limit=1000"
    middle = _path_in_the_middle(listing)
    pages = {
        "landing page": link,
        "page of a folder": f"{link}?folder={middle.partition('/')[0]}",
        "page of what was searched for": f"{link}?find={middle.rpartition('/')[2]}",
        "list for programs, 1000 files": listing,
    }
    first = {what: _page_seconds(url) for what, url in pages.items()}
    zip_url = f"{link}/{dataset}.zip"
    first["first byte of the zip"] = first_byte(zip_url).seconds
    for what, seconds in first.items():
        again = [_page_seconds(pages[what]) if what in pages else first_byte(zip_url).seconds for _ in range(1 + AGAIN)]
        yield _figure(f"{name}, {what}", "ms", statistics.median(again[1:]) * 1e3, "< 1 s")
        yield _figure(f"{name}, {what}, for the first time", "ms", seconds * 1e3)


def _memory(portal: Stage, zip_url: str, name: str) -> Iterator[Figure]:
    """Of the web server before and while the zip is fetched from its beginning and from its end."""
    size = int(first_byte(zip_url, "0-99").range.rpartition("/")[2])
    with peak_memory(portal.web_pid) as before:
        time.sleep(1)
    with peak_memory(portal.web_pid) as during:
        head = fetch(zip_url, f"0-{min(TAKEN, size) - 1}")
        fetch(zip_url, f"{size * 9 // 10}-")
    yield _figure(f"{name}, web server's memory before", "MB", before.megabytes)
    yield _figure(f"{name}, web server's memory while the zip is fetched", "MB", during.megabytes, "flat")
    rate = head.size / head.seconds / 1e6
    yield Figure(f"{name} of 4 KiB, rate of the zip's first {head.size / 1e6:,.0f} MB", "MB/s", rate, COMMAND)


def _figure(claim: str, unit: str, value: float, aim: str = "") -> Figure:
    return Figure(claim, unit, value, COMMAND, less_is_better=True, aim=aim)


def _path_in_the_middle(listing: str) -> str:
    with urlopen(listing, timeout=60) as answer:
        files = json.load(answer)["files"]
    return str(files[len(files) // 2]["path"])


def _page_seconds(url: str) -> float:
    began = time.perf_counter()
    with urlopen(url, timeout=120) as answer:
        answer.read()
    return time.perf_counter() - began
