"""The same facts stand in the Procfile, the systemd units, the containers and the settings: they must not drift."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deploy.one_machine import programs
from portal.config import PREFIX, Config

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"^#? ?([A-Z][A-Z0-9_]+)=", re.MULTILINE)


def compose() -> dict[str, dict[str, dict[str, object]]]:
    document: dict[str, dict[str, dict[str, object]]] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return document


def settings() -> set[str]:
    return {PREFIX + name.upper() for name in Config.model_fields}


def test_every_variable_of_the_example_is_a_setting_or_used_by_compose() -> None:
    used_by_compose = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "docker-compose.yml").read_text()))
    in_example = set(VARIABLE.findall((ROOT / ".env.example").read_text()))
    assert in_example - settings() - used_by_compose == set()
    assert used_by_compose - {"IMAGE_TAG"} <= in_example


def test_containers_and_image_set_only_real_settings() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "Dockerfile").read_text()
    assert set(re.findall(r"\b(LABCOURIER_[A-Z_]+)[:=]", text)) <= settings()


def test_example_and_compose_together_give_all_that_a_site_must_set() -> None:
    demanded = {PREFIX + name for name in ("SECRET_KEY", "LINK_KEYS", "DATABASE_URL", "BROKER_URL", "EMAIL_URL", "URL")}
    environment = compose()["services"]["web"]["environment"]
    assert isinstance(environment, dict)
    assert demanded <= set(VARIABLE.findall((ROOT / ".env.example").read_text())) | set(environment)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_containers_run_the_commands_of_the_procfile(name: str) -> None:
    assert compose()["services"][name]["command"] == programs()[name]


def test_containers_know_each_other_for_programs_of_one_machine() -> None:
    names = {compose()["services"][name].get("hostname") for name in ("web", "worker", "beat")}
    assert names == {"labcourier"}


def test_image_runs_the_web_command_of_the_procfile() -> None:
    command = ", ".join(f'"{part}"' for part in programs()["web"])
    assert (ROOT / "Dockerfile").read_text().rstrip().endswith(f"CMD [{command}]")


@pytest.mark.parametrize("name", ["broker", "web", "worker", "beat"])
def test_systemd_units_run_the_commands_of_the_procfile(name: str) -> None:
    unit = (ROOT / f"deploy/systemd/labcourier-{name}.service").read_text()
    command = re.search(r"^ExecStart=/opt/labcourier/\.venv/bin/(.*)$", unit, re.MULTILINE)
    assert command
    tuned = re.findall(r"^Environment=(GLIBC_TUNABLES=.*)$", unit, re.MULTILINE)
    assert [*(["env"] if tuned else []), *tuned, *shlex.split(command[1])] == programs()[name]
