"""Several datasets in one run of `send`, of chosen files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.watching import by_title, verified


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs, a file that belongs to none, and a temporary one."""
    top = tmp_path / "scope"
    for name in ("ada_grid1", "bob_grid2"):
        (top / name / "raw").mkdir(parents=True)
        (top / name / "raw" / "a.tif").write_bytes(name.encode())
    (top / "loose.txt").write_text("loose")
    (top / "ada_grid1" / "x.tmp").write_text("tmp")
    return top


def test_each_subfolder_becomes_a_dataset(ada: Agent, portal: LoopbackPortal, runs: Path) -> None:
    result = ada("send", runs, "--split", "subfolder", "--exclude", "*.tmp", "--to", "rita@example.org", "--json")
    assert result.code == 0, result.err
    assert [entry["files"] for entry in result.document["datasets"]] == [1, 1]
    assert "1 files belong to no dataset" in result.err
    found = {title: (verified(dataset), dataset.state) for title, dataset in by_title(portal).items()}
    assert found == {name: ({"raw/a.tif": 9}, "closed") for name in ("ada_grid1", "bob_grid2")}


def test_the_same_command_again_sends_only_what_is_new(ada: Agent, portal: LoopbackPortal, runs: Path) -> None:
    command = ("send", runs, "--split", "subfolder", "--exclude", "*.tmp")
    assert ada(*command, "--only", "ada_grid1").code == 0
    assert [dataset.request["title"] for dataset in portal.datasets.values()] == ["ada_grid1"]
    assert ada(*command).code == 0
    assert len(portal.datasets) == 2
    assert portal.received == {"raw/a.tif": 18}


def test_groups_of_a_pattern_fill_title_recipients_and_metadata(ada: Agent, portal: LoopbackPortal, runs: Path) -> None:
    pattern = r"pattern:(?P<meta_user>[a-z]+)_(?P<title>\w+)/"
    result = ada("send", runs, "--split", pattern, "--to", "{meta_user}@example.org", "--include", "*.tif")
    assert result.code == 0, result.err
    grid = by_title(portal)["grid2"]
    assert (grid.request["recipients"], grid.request["metadata"]) == (["bob@example.org"], {"user": "bob"})
    assert verified(grid) == {"bob_grid2/raw/a.tif": 9}


def test_a_rehearsal_names_the_datasets(ada: Agent, portal: LoopbackPortal, runs: Path) -> None:
    portal.requests.clear()
    result = ada("send", runs, "--split", "subfolder", "--dry-run")
    assert sorted(result.out.splitlines()) == [
        "ada_grid1\t3\tx.tmp", "ada_grid1\t9\traw/a.tif", "bob_grid2\t9\traw/a.tif"
    ]  # fmt: skip
    assert portal.requests == []


def test_one_that_fails_does_not_keep_the_next_from_being_sent(ada: Agent, portal: LoopbackPortal, runs: Path) -> None:
    pattern = r"pattern:(?P<user>[a-z]+)_(?P<title>\w+)/"
    portal.refused_names = {"ada_grid1/raw/a.tif", "ada_grid1/x.tmp"}
    assert ada("send", runs, "--split", pattern).code == 4
    assert by_title(portal)["grid2"].state == "closed"
    assert by_title(portal)["grid1"].state == "open"


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (("--split", "weekly"), 2, "is no way to split"),
        (("--split", "subfolder", "--title", "{sample}"), 2, "{sample} is not known"),
        (("--split", "subfolder", "--follow", "--idle", "1"), 2, "labcourier watch"),
        (("--split", "subfolder", "--only", "carol"), 3, "There are: ada_grid1, bob_grid2"),
        (("--split", "subfolder:4"), 3, "Nothing to send"),
    ],
)
def test_what_cannot_be_split_is_told(
    ada: Agent, runs: Path, options: tuple[str, ...], code: int, sentence: str
) -> None:
    result = ada("send", runs, *options)
    assert result.code == code
    assert sentence in result.err
