"""`labcourier service`: what each system is given, and how it is asked."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from labcourier_agent import cli_service
from labcourier_agent.services import choice, order
from labcourier_agent.services.launchd import plist_text
from labcourier_agent.services.order import ServiceOrder
from labcourier_agent.services.systemd import quoted, unit_text
from labcourier_agent.services.windows_task import NAMESPACE, task_text
from tests.agent.conftest import Agent

CONFIG = Path("/data/my 100% config.toml")
FOR_USER = ServiceOrder((sys.executable, "watch", "--config", str(CONFIG)), CONFIG, "", "ada", system=False)
FOR_ALL = replace(FOR_USER, home="/var/lib/labcourier", system=True)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="only on systems that have systemd")
@pytest.mark.parametrize("wish", [FOR_USER, FOR_ALL], ids=["user", "system"])
def test_systemd_takes_the_unit(wish: ServiceOrder, tmp_path: Path) -> None:
    unit = tmp_path / "labcourier-watch.service"
    unit.write_text(unit_text(replace(wish, user="root")))
    manager = "--system" if wish.system else "--user"
    command = ["systemd-analyze", manager, "verify", str(unit)]
    environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_a_unit_says_who_and_where() -> None:
    text = unit_text(FOR_ALL)
    assert "User=ada\n" in text
    assert 'Environment="LABCOURIER_HOME=/var/lib/labcourier"\n' in text
    assert "WantedBy=multi-user.target" in text
    assert "User=" not in unit_text(FOR_USER)
    assert "WantedBy=default.target" in unit_text(FOR_USER)


def test_words_of_a_unit_are_taken_as_they_are() -> None:
    assert quoted('a "b" %n $HOME C:\\x') == '"a \\"b\\" %%n $$HOME C:\\\\x"'


def test_launchd_gets_a_property_list() -> None:
    wish = plistlib.loads(plist_text(FOR_USER).encode())
    assert wish["ProgramArguments"] == list(FOR_USER.command)
    assert wish["RunAtLoad"] is wish["KeepAlive"] is True
    assert not {"UserName", "EnvironmentVariables"} & set(wish)
    wish = plistlib.loads(plist_text(FOR_ALL).encode())
    assert (wish["UserName"], wish["EnvironmentVariables"]) == ("ada", {"LABCOURIER_HOME": "/var/lib/labcourier"})


# Order and names as the schema of the Task Scheduler has them.
TOP = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]


@pytest.mark.parametrize(
    ("wish", "trigger", "principal"),
    [(FOR_USER, "LogonTrigger", "ada"), (FOR_ALL, "BootTrigger", "S-1-5-19")],
    ids=["user", "system"],
)
def test_windows_gets_a_task(wish: ServiceOrder, trigger: str, principal: str) -> None:
    task = read_task(task_text(wish))
    names = {"t": NAMESPACE}
    assert [child.tag for child in task] == [f"{{{NAMESPACE}}}{tag}" for tag in TOP]
    assert task.find(f"t:Triggers/t:{trigger}", names) is not None
    assert task.findtext("t:Principals/t:Principal/t:UserId", "", names) == principal
    assert task.findtext("t:Settings/t:ExecutionTimeLimit", "", names) == "PT0S", "else it ends after three days"
    assert task.find("t:Actions", names).get("Context") == task.find("t:Principals/t:Principal", names).get("id")  # type: ignore[union-attr]


def test_a_task_starts_the_program_with_its_words() -> None:
    wish = replace(FOR_USER, command=("C:\\Program Files\\labcourier.exe", "watch", "--config", "D:\\my config.toml"))
    names = {"t": NAMESPACE}
    task = read_task(task_text(wish))
    assert task.findtext("t:Actions/t:Exec/t:Command", "", names) == "C:\\Program Files\\labcourier.exe"
    assert task.findtext("t:Actions/t:Exec/t:Arguments", "", names) == 'watch --config "D:\\my config.toml"'
    task = read_task(task_text(replace(wish, home="D:\\lab home")))
    assert task.findtext("t:Actions/t:Exec/t:Command", "", names) == "cmd.exe"
    assert task.findtext("t:Actions/t:Exec/t:Arguments", "", names) == (
        '/d /s /c "set "LABCOURIER_HOME=D:\\lab home"&&'
        ' "C:\\Program Files\\labcourier.exe" watch --config "D:\\my config.toml""'
    )


def read_task(text: str) -> ET.Element:
    return ET.fromstring(text.encode("utf-16"))  # noqa: S314 the text is ours


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_system_has_its_service(platform: str) -> None:
    service = choice.service_for(FOR_USER, platform)
    assert "watch" in service.text()
    assert "labcourier" in str(service.place()).lower()


# The commands, with a service manager that writes down what it is told.


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What was said to `systemctl`, a line each."""
    told = tmp_path / "told"
    told.touch()
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {told}\n[ "$2" = is-active ] && cat {tmp_path}/state\nexit 0\n')
    program.chmod(0o755)
    (tmp_path / "state").write_text("active\n")
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cli_service, "service_for", lambda order: choice.service_for(order, "linux"))
    return told


@pytest.fixture
def watched(home: Path, data: Path) -> Path:
    home.mkdir(exist_ok=True)
    config = home / "watch.toml"
    config.write_text(f'[[folder]]\npath = "{data}"\n')
    return config


def test_a_service_is_installed_asked_for_and_removed(ada: Agent, told: Path, watched: Path, tmp_path: Path) -> None:
    unit = tmp_path / ".config" / "systemd" / "user" / "labcourier-watch.service"
    assert ada("service", "status").code == 3
    installed = ada("service", "install")
    assert (installed.code, "enable-linger" in installed.err) == (0, True)
    assert f'"watch" "--config" "{watched}"' in unit.read_text()
    running = ada("service", "status", "--json")
    assert (running.code, running.document["running"]) == (0, True)
    (tmp_path / "state").write_text("failed\n")
    assert ada("service", "status").code == 7
    assert ada("service", "uninstall").code == 0
    assert not unit.exists()
    assert told.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable labcourier-watch.service",
        "--user restart labcourier-watch.service",
        "--user is-active labcourier-watch.service",
        "--user is-active labcourier-watch.service",
        "--user disable --now labcourier-watch.service",
        "--user daemon-reload",
    ]
    assert ada("service", "uninstall").code == 3


def test_a_dry_run_only_prints(ada: Agent, told: Path, tmp_path: Path) -> None:
    printed = ada("service", "install", "--dry-run")
    assert printed.out.startswith("[Unit]\n")
    assert told.read_text() == ""
    assert not (tmp_path / ".config").exists()


def test_a_mistake_in_the_configuration_is_told_before_anything_is_installed(
    ada: Agent, told: Path, watched: Path
) -> None:
    watched.write_text("[[folder]]\npath = 7\n")
    assert ada("service", "install").code == 2
    watched.unlink()
    assert ada("service", "install").code == 3
    assert told.read_text() == ""


def test_a_service_of_the_computer_has_a_home_and_an_administrator(
    ada: Agent, told: Path, watched: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--home" in ada("service", "install", "--system").err
    monkeypatch.setattr(cli_service, "may_administer", lambda: False)
    refused = ada("service", "install", "--system", "--home", home)
    assert (refused.code, "administrator" in refused.err) == (2, True)
    printed = ada("service", "install", "--system", "--home", home, "--user", "acquisition", "--dry-run")
    assert f'Environment="LABCOURIER_HOME={home}"' in printed.out
    assert "User=acquisition" in printed.out


def test_a_system_without_that_service_manager_is_told(
    ada: Agent, told: Path, watched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "There is no systemctl here" in ada("service", "install").err


def test_a_service_manager_that_refuses_is_quoted(ada: Agent, told: Path, watched: Path) -> None:
    program = told.parent / "bin" / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    refused = ada("service", "install")
    assert (refused.code, "Failed to connect to bus" in refused.err) == (1, True)


def test_the_single_file_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert order.own_program() == (sys.executable, "-m", "labcourier_agent")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert order.own_program() == (sys.executable,)
