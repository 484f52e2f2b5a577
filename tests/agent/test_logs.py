"""The log: lines for people and programs, of bounded size, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from labcourier_agent import log_file
from labcourier_agent.exits import BadUsage
from labcourier_agent.log_file import open_log, redacted, watch_log
from labcourier_agent.progress import LOGGER
from labcourier_agent.speech import speaking
from tests.agent.conftest import Agent


def test_the_log_is_begun_anew_when_it_is_full_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "BIGGEST", 1000)
    with speaking(str(tmp_path / "a.log")):
        for number in range(300):
            LOGGER.debug("line %d", number)
    names = sorted(file.name for file in tmp_path.glob("a.log*"))
    assert names == ["a.log", "a.log.1", "a.log.2", "a.log.3", "a.log.4", "a.log.5"]
    assert all(file.stat().st_size <= 1000 for file in tmp_path.glob("a.log*"))
    assert "line 299" in (tmp_path / "a.log").read_text()


def test_a_log_that_cannot_be_renamed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where another process holds it open."""
    monkeypatch.setattr(log_file, "BIGGEST", 100)

    def refuse(*names: object) -> None:
        raise PermissionError(32, "The process cannot access the file")

    monkeypatch.setattr("os.rename", refuse)
    with speaking(str(tmp_path / "a.log")):
        for number in range(20):
            LOGGER.debug("line %d", number)
    assert "line 19" in (tmp_path / "a.log").read_text()


SECRET = "lcu_" + "s3cret-_" * 5


@pytest.mark.parametrize("as_json", [False, True])
def test_no_secret_reaches_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    with speaking(str(tmp_path / "a.log"), as_json=as_json):
        LOGGER.warning("sent with %s", SECRET)
        LOGGER.warning("Authorization: Bearer opaque-token")
        LOGGER.warning("proxy http://ada:hunter2@proxy.example.org:3128 refused")
        try:
            raise ValueError(SECRET)
        except ValueError:
            LOGGER.exception("unexpected")
    told = (tmp_path / "a.log").read_text() + capsys.readouterr().err
    assert "lcu_…" in told
    assert not [secret for secret in ("s3cret", "opaque", "hunter2") if secret in told]


def test_what_is_no_secret_stays() -> None:
    line = "no connection to https://portal.example.org:8443/datasets/1 for ada@example.org"
    assert redacted(line) == line


def test_the_whole_run_of_a_command_leaves_no_secret(ada: Agent, data: Path, tmp_path: Path) -> None:
    log = tmp_path / "send.log"
    told = ada("send", data, "--log-file", log, "--log-json")
    assert told.code == 0
    assert "lcu_" not in log.read_text() + told.err
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"time", "level", "message"} == set(lines[0])
    assert all(json.loads(line)["message"] for line in told.err.splitlines())


def test_no_line_has_colours_where_nobody_looks(ada: Agent, data: Path) -> None:
    assert "\x1b[" not in ada("send", data).err


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage):
        open_log(str(tmp_path / "nowhere" / "a.log"), as_json=False)


def test_watch_has_a_place_for_its_log(tmp_path: Path) -> None:
    assert watch_log({"LABCOURIER_HOME": str(tmp_path)}) == tmp_path / "log" / "watch.log"
    (tmp_path / "file").touch()
    with pytest.raises(BadUsage, match="--log-file"):
        watch_log({"LABCOURIER_HOME": str(tmp_path / "file")})


def test_an_unexpected_error_is_in_the_log_with_its_trace(tmp_path: Path) -> None:
    sink = open_log(str(tmp_path / "a.log"), as_json=True)
    try:
        raise KeyError("x")
    except KeyError:
        sink.handle(logging.LogRecord("a", logging.ERROR, "b", 1, "unexpected", (), sys.exc_info()))
    sink.close()
    assert "KeyError" in json.loads((tmp_path / "a.log").read_text())["trace"]
