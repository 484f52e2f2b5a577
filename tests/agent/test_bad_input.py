"""Mistakes and refusals end in a clear sentence and the right exit code; one bad file does not stop the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import digests, stored


def test_a_folder_that_is_not_there_is_named(ada: Agent, tmp_path: Path) -> None:
    result = ada("send", tmp_path / "nowhere")
    assert result.code == 3
    assert f"There is no file or folder {tmp_path / 'nowhere'}." in result.err


def test_an_empty_folder_is_nothing_to_send(ada: Agent, portal: LoopbackPortal, tmp_path: Path) -> None:
    (tmp_path / "empty" / "inside").mkdir(parents=True)
    result = ada("send", tmp_path / "empty")
    assert result.code == 3
    assert f"no files in {tmp_path / 'empty'}" in result.err
    assert portal.datasets == {}
    assert ada("status", "--json").document["datasets"] == []


def test_without_a_portal_the_first_step_is_named(agent: Agent, data: Path) -> None:
    result = agent("send", data)
    assert result.code == 3
    assert "labcourier connect URL --token TOKEN" in result.err


def test_an_unknown_portal_is_answered_with_the_known_ones(ada: Agent, data: Path) -> None:
    result = ada("send", data, "--portal", "elsewhere")
    assert result.code == 3
    assert "Connected are: CRYO." in result.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--to", "rita"], "--to rita: that is no e-mail address."),
        (["--to", "rita@example.org,bob@example.org"], "One address each"),
        (["--meta", "voltage"], "--meta voltage: write it as KEY=VALUE"),
        (["--meta", "a=1", "--meta", "a=2"], "--meta a is given twice"),
        (["--transfers", "0"], "--transfers"),
        (["--transfers", "17"], "--transfers"),
        (["--idle", "3"], "belong to --follow"),
        (["--follow"], "--until-marker NAME or --idle SECONDS"),
        (["--follow", "--until-marker", "a/b"], "without folders"),
        (["--no-such-option"], "--no-such-option"),
        (["--log-file", "/nowhere/agent.log"], "/nowhere/agent.log cannot be written"),
    ],
)
def test_impossible_options_are_usage_errors(
    ada: Agent, portal: LoopbackPortal, data: Path, options: list[str], sentence: str
) -> None:
    result = ada("send", data, *options)
    assert result.code == 2
    assert sentence in result.err
    assert portal.datasets == {}


def test_a_recipient_the_portal_refuses_leaves_no_dataset_behind(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    result = ada("send", data, "--to", "rita@nowhere.invalid")
    assert result.code == 4
    assert "rita@nowhere.invalid is no e-mail address" in result.err
    assert ada("status", "--json").document["datasets"] == []


def test_names_the_portal_refuses_do_not_stop_the_others(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    (data / "CON").touch()
    (data / "aux.").touch()
    portal.refused_names = {"CON", "aux."}
    result = ada("send", data, "--json")
    assert result.code == 4
    assert {failure["path"] for failure in result.document["failed"]} == {"CON", "aux."}
    assert "CON: This name is not possible here. Rename the file." in result.err
    assert "2 of 5 files failed, so the dataset was not closed." in result.err
    assert (result.document["verified"], portal.dataset.state) == (3, "open")
    (data / "CON").unlink()
    (data / "aux.").rename(data / "auxiliary")
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)


def test_many_failures_do_not_flood_the_terminal(ada: Agent, portal: LoopbackPortal, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    for number in range(100):
        (folder / f"{number}:.tif").touch()
        portal.refused_names.add(f"{number}:.tif")
    result = ada("send", folder, "--log-file", tmp_path / "log", "--json")
    assert result.code == 4
    assert result.err.count("This name is not possible here.") == 20
    assert "More failures are not shown here" in result.err
    assert (tmp_path / "log").read_text().count("This name is not possible here.") == 100
    assert len(result.document["failed"]) == 100


def test_a_file_over_the_limit_is_refused_before_it_is_sent(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.max_file_bytes = 5000
    result = ada("send", data, "--json")
    assert result.code == 4
    assert result.document["failed"][0]["path"] == "two größer.tif"
    assert "the portal takes at most 5.0 kB a file" in result.document["failed"][0]["reason"]
    assert "two größer.tif" not in portal.received


def test_a_refused_upload_concerns_that_file_alone(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.faults = [Fault("POST", "/tus/", status=413, code="too_large")]
    result = ada("send", data, "--json")
    assert result.code == 4
    assert (result.document["verified"], result.document["failed_count"]) == (2, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_stops_everything_at_once(ada: Agent, portal: LoopbackPortal, data: Path, status: int) -> None:
    portal.faults = [Fault("POST", "/tus/", times=100, status=status)]
    result = ada("send", data, "--transfers", "1")
    assert result.code == 4
    assert portal.asked("POST", "/tus/") == 1


def test_an_unreadable_file_does_not_stop_the_others(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    def locked(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "one.tif":
            raise PermissionError(13, "Permission denied")
        return real_open(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", locked)
        result = ada("send", data, "--json")
    assert result.code == 1
    assert result.document["failed"][0]["reason"] == f"{data / 'one.tif'} cannot be read: Permission denied."
    assert (result.document["verified"], portal.dataset.state) == (2, "open")
    assert ada("send", data).code == 0
    assert portal.dataset.state == "closed"


def test_an_unreadable_folder_keeps_the_dataset_open(
    ada: Agent, portal: LoopbackPortal, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_scandir = os.scandir

    def locked(path: Any) -> Any:
        if str(path).endswith("/deep"):
            raise PermissionError(13, "Permission denied")
        return real_scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", locked)
        result = ada("send", data, "--json")
    assert result.code == 1
    assert result.document["failed"][0]["fault"] == "unlisted"
    assert (result.document["verified"], portal.dataset.state) == (2, "open")
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)


def test_links_are_left_out_and_named(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    (data / "link.tif").symlink_to(data / "one.tif")
    (data / "loop").symlink_to(data)
    os.mkfifo(data / "pipe")
    result = ada("send", data)
    assert result.code == 0
    assert f"{data / 'link.tif'} is a link: left out." in result.err
    assert f"{data / 'loop'} is a link: left out." in result.err
    assert f"{data / 'pipe'} is no regular file." in result.err
    assert stored(portal).keys() == {"one.tif", "two größer.tif", "deep/er/empty.txt"}


def test_a_link_that_is_named_itself_is_followed(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    (data.parent / "latest").symlink_to(data)
    assert ada("send", data.parent / "latest").code == 0
    assert stored(portal) == digests(data)


def test_a_name_that_is_no_text_is_shown_with_escapes_and_the_others_go(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    with open(os.fsencode(data) + b"/gr\xf6sse.tif", "wb"):  # noqa: PTH123 pathlib knows no bytes
        pass
    result = ada("send", data, "--json")
    assert result.code == 1
    assert r"gr\udcf6sse.tif" in result.document["failed"][0]["path"]
    assert "rename it" in result.document["failed"][0]["reason"]
    assert result.document["verified"] == 3


def test_an_agent_that_is_too_old_is_told_so(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.agent_version_min = "99.0"
    result = ada("send", data)
    assert result.code == 4
    assert "asks for agent 99.0 or newer" in result.err
