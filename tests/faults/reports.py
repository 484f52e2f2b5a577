"""What a campaign found, one page for each promise, in docs/reports/."""

import os
import platform
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psutil

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reports"
PROMISES = {
    "P1": "An acknowledged byte survives kill -9 of the server, and power loss as far as fsync goes",
    "P3": "A cut line costs at most one chunk (64 MiB or less is resent)",
    "P4": "Concurrent requests never corrupt an upload",
    "P5": "A link ends at its minute, and revocation holds at the next request",
    "P6": "No mail twice, none vanishes silently",
    "P6-smtp": "No mail twice, none vanishes silently, whatever the mail server does",
    "P7": "“Downloaded” means that a person or their program took it",
    "P8": "It heals by itself",
    "P9": "A full disk stops new uploads (507), not the site",
    "P10": "Bad input never gives a 5xx, leaves the root folder, or leaks a row",
    "P11": "Hostile names stay harmless, and zips beyond the old format's limits open",
    "P12": "Slow clients do not stop others",
    "mistakes": "Three mistakes that others shipped are not made here",
    "agent": "An agent that is killed again and again loses nothing and sends nothing twice",
}


class Campaign:
    """Collects the outcome of each marked test; `write` makes the pages."""

    def __init__(self) -> None:
        self._rows: dict[str, list[str]] = defaultdict(list)
        self._failed: dict[str, int] = defaultdict(int)
        self._began = time.monotonic()

    def add(self, promise: str, name: str, database: str, outcome: str, seconds: float, findings: list[str]) -> None:
        sentence = name.removeprefix("test_").replace("_", " ")
        self._failed[promise] += outcome != "passed"
        self._rows[promise].append(f"| {sentence} | {'; '.join(findings)} | {database} | {outcome} | {seconds:.0f} |")

    def write(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for promise, rows in self._rows.items():
            (FOLDER / f"{promise}.md").write_text(self._page(promise, rows), encoding="utf-8")

    def _page(self, promise: str, rows: list[str]) -> str:
        verdict = f"{self._failed[promise]} of {len(rows)} FAILED" if self._failed[promise] else "all passed"
        memory = psutil.virtual_memory().total / 2**30
        lines = [
            f"# {promise}: {PROMISES[promise]}",
            "",
            f"Campaign of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, written by the run (`make campaign`): **{verdict}**.",
            f"Machine: {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}.",
            "",
            "| test | what was done | database | outcome | seconds |",
            "|---|---|---|---|---|",
        ]
        return "\n".join([*lines, *rows, ""])
