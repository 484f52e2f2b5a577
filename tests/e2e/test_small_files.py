"""Thousands of small files, from an agent that is killed on the way, into a portal that unpacks them."""

import hashlib
import os
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.running import Agent, Portal

COUNT = 3000
MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three thousand files of up to 40 KB in folders, 60 MB, and one that is too large for a bundle."""
    chance = random.Random(3)  # noqa: S311 sizes that are the same each time
    folder = tmp_path / "run"
    for number in range(COUNT):
        part = folder / f"grid größer {number % 7}" / f"{number % 5}"
        part.mkdir(parents=True, exist_ok=True)
        (part / f"frame {number:05}.tif").write_bytes(os.urandom(chance.randrange(40_000)))
    (folder / "stack.mrc").write_bytes(os.urandom(12 * MIB))
    return folder


def dataset_id(agent: Agent) -> str:
    """As the agent's journal knows it."""
    with closing(sqlite3.connect(agent.home / "journal.sqlite3")) as journal:
        ((found,),) = journal.execute("SELECT portal_id FROM datasets")
    return str(found).replace("-", "")


def files_of(portal: Portal, dataset: str) -> dict[str, tuple[str, int]]:
    """Digest and size of the verified files by path, from the portal's database."""
    with closing(sqlite3.connect(portal.var / "db.sqlite3", timeout=20)) as database:
        rows = database.execute(
            "select path, sha256, size from portal_datafile where state = 'verified' and dataset_id = ?", (dataset,)
        )
        return {path: (sha256, size) for path, sha256, size in rows}


def here(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        file.relative_to(folder).as_posix(): (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_small_files_of_an_agent_that_is_killed_again_and_again_are_all_verified_once(
    portal: Portal, ada: Agent, folder: Path
) -> None:
    for seconds in (0.7, 1.0, 1.5):
        agent = ada.start("send", str(folder), "--title", "Killed often")
        time.sleep(seconds)
        agent.kill()
        agent.communicate()
    outcome = ada.run("send", str(folder), "--title", "Killed often")
    assert outcome.returncode == 0, outcome.stderr
    dataset = dataset_id(ada)
    assert files_of(portal, dataset) == here(folder)
    assert portal.count(f"select count(*) from portal_datafile where dataset_id = '{dataset}'") == COUNT + 1  # noqa: S608
    assert portal.count("select count(*) from portal_dataset where title = 'Killed often'") == 1
    assert f"{COUNT + 1} of {COUNT + 1} files verified" in outcome.stdout
    stored = {file.stat().st_mtime_ns for file in (portal.var / "files").rglob("frame 00007.tif")}
    assert (folder / "grid größer 0" / "2" / "frame 00007.tif").stat().st_mtime_ns in stored


def test_new_versions_of_small_files_come_in_bundles_too(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}.txt").write_bytes(b"first")
    follow = ada.start(
        "send", str(folder), "--title", "Versions", "--follow", "--until-marker", "DONE", "--stable", "0.1"
    )
    wait_for_verified(portal, "Versions", 50)
    for number in range(0, 50, 2):
        (folder / f"{number}.txt").write_bytes(b"second version")
    time.sleep(1.5)
    (folder / "DONE").touch()
    follow.communicate(timeout=240)
    assert follow.returncode == 0
    (folder / "DONE").unlink()
    assert files_of(portal, dataset_id(ada)) == here(folder)


def wait_for_verified(portal: Portal, title: str, count: int) -> None:
    dataset = f"select id from portal_dataset where title = '{title}'"  # noqa: S608 titles are ours
    query = f"select count(*) from portal_datafile where state = 'verified' and dataset_id = ({dataset})"  # noqa: S608
    deadline = time.monotonic() + 120
    while portal.count(query) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)
