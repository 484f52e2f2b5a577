"""The agent's tools against a whole portal: look, compare, clean, and what the doctor says."""

import csv
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.running import Agent, Portal


def test_what_was_sent_is_compared_and_then_removed(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    data = tmp_path / "run"
    (data / "deep").mkdir(parents=True)
    for number in range(30):
        (data / "deep" / f"{number}.tif").write_bytes(os.urandom(1000 + number))
    (data / "größe.raw").write_bytes(os.urandom(10_000_000))
    sent = ada.run("send", str(data), "--title", "Tools", "--json")
    assert sent.returncode == 0, sent.stderr
    name = json.loads(sent.stdout)["dataset"]["name"]

    (dataset, *_) = csv.DictReader(io.StringIO(ada.run("ls", "--limit", "1").stdout))
    assert (dataset["name"], dataset["title"], dataset["files"]) == (name, "Tools", "31")
    listed = json.loads(ada.run("ls", name, "--json").stdout)["files"]
    assert {file["path"] for file in listed} == {path.relative_to(data).as_posix() for path in data.rglob("*.*")}

    assert ada.run("compare", str(data), name).returncode == 0
    (data / "deep" / "7.tif").write_bytes(b"changed")
    compared = ada.run("compare", str(data), name, "--differences")
    assert compared.returncode == 7
    assert [row["path"] for row in csv.DictReader(io.StringIO(compared.stdout))] == ["deep/7.tif"]

    assert ada.run("clean", str(data), "--older-than", "1h", "--yes").returncode == 0
    assert len(list(data.rglob("*.*"))) == 31, "all too young"

    def cleaned() -> bool:
        ada.run("clean", str(data), "--older-than", "0s", "--yes")
        return [file.name for file in data.rglob("*.*")] == ["7.tif"]

    wait_for(cleaned)
    compared = ada.run("compare", str(data), name, "--json")
    assert json.loads(compared.stdout)["counts"]["only_at_portal"] == 30


def test_the_doctor_finds_nothing_wrong_with_a_whole_portal(ada: Agent) -> None:
    told = ada.run("doctor", "--json")
    found = {finding["check"]: finding["verdict"] for finding in json.loads(told.stdout)["findings"]}
    assert told.returncode == 0, told.stdout
    assert found["large uploads"] == found["clock"] == found["token"] == found["uploads"] == "ok"


def test_the_portal_hears_of_an_agent_that_watches(portal: Portal, ada: Agent, tmp_path: Path) -> None:
    (tmp_path / "watched").mkdir()
    config = tmp_path / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{tmp_path}/watched"\n')
    heard = "SELECT count(*) FROM uploads_agent"
    stopped = f"{heard} WHERE stopped_at IS NOT NULL"
    before = portal.count(heard), portal.count(stopped)
    watch = ada.start("watch", "--config", str(config))
    wait_for(lambda: portal.count(heard) == before[0] + 1)
    watch.terminate()
    watch.communicate(timeout=60)
    assert watch.returncode == 0
    wait_for(lambda: portal.count(stopped) == before[1] + 1)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 90
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)
    assert condition()
