"""Configurations of `watch` for tests, and waiting for what it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.agent.loopback_portal import LoopbackPortal, StoredDataset

PATIENCE = 60.0


def write_config(home: Path, folder: Path, *lines: str, top: Sequence[str] = ()) -> Path:
    """One folder that is settled at once, unless `lines` say otherwise."""
    text = [*top, "[[folder]]", f"path = '{folder}'", *lines]
    if not any(line.startswith("[folder.complete]") for line in lines):
        text += ["[folder.complete]", "stable = 0.1"]
    file = home / "watch.toml"
    home.mkdir(exist_ok=True)
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return file


def eventually(is_so: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, what or "it never came"
        time.sleep(0.02)


def by_title(portal: LoopbackPortal) -> dict[str, StoredDataset]:
    return {dataset.request["title"]: dataset for dataset in list(portal.datasets.values())}


def verified(dataset: StoredDataset) -> dict[str, int]:
    """Sizes by path, of a copy: more files may come while they are counted."""
    return {file.path: file.size for file in list(dataset.files.values()) if file.state == "verified"}
