"""A microscope writes two runs; ``watch`` runs, is killed and starts again: both arrive whole, at a real portal."""

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

from tests.e2e.running import Agent, Portal

PATIENCE = 180.0
IMAGES = 40
CONFIG = """
[[folder]]
path = '{folder}'
dataset = "subfolder"
title = "{folder_title} {{subfolder}}"
exclude = ["*.part"]
[folder.complete]
stable = 0.5
[folder.close]
marker = "DONE"
"""


def write_run(folder: Path) -> None:
    """Each image by way of another name; a summary that is written anew with each; at the end the marker."""
    folder.mkdir(parents=True)
    for number in range(IMAGES):
        draft = folder / f"image_{number:03}.part"
        draft.write_bytes(os.urandom(40_000))
        draft.rename(folder / f"image_{number:03}.tif")
        (folder / "summary.csv").write_text(f"{number + 1} images\n")
        time.sleep(0.1)
    (folder / "DONE").touch()


def names_and_digests(folder: Path) -> dict[str, str]:
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.name != "DONE"
    }


def at_portal(portal: Portal, title: str) -> dict[str, str]:
    """Verified files as they are in the store, when the dataset is released."""
    released = portal.count(f"SELECT count(*) FROM portal_dataset WHERE title = '{title}' AND state = 'released'")  # noqa: S608
    if not released:
        return {}
    (folder,) = (portal.var / "files").glob(f"*/*-{title.replace(' ', '-')}")
    return names_and_digests(folder)


def test_two_runs_arrive_while_they_are_written_and_the_agent_is_killed(
    portal: Portal, ada: Agent, tmp_path: Path
) -> None:
    scope = tmp_path / "scope"
    scope.mkdir()
    config = tmp_path / "watch.toml"
    config.write_text(CONFIG.format(folder=scope, folder_title="watched"), encoding="utf-8")
    microscope = [threading.Thread(target=write_run, args=(scope / name,)) for name in ("run-1", "run-2")]
    watching = ada.start("watch", "--config", str(config))
    for thread in microscope:
        thread.start()
    time.sleep(2.5)
    watching.kill()
    watching.communicate()
    watching = ada.start("watch", "--config", str(config))
    for thread in microscope:
        thread.join()
    deadline = time.monotonic() + PATIENCE
    expected = {name: names_and_digests(scope / name) for name in ("run-1", "run-2")}
    while {name: at_portal(portal, f"watched {name}") for name in expected} != expected:
        assert time.monotonic() < deadline, ada.log.read_text()
        time.sleep(0.5)
    watching.send_signal(signal.SIGTERM)
    watching.communicate(timeout=60)
    assert watching.returncode == 0, ada.log.read_text()
