"""The locks hold every declared library in a version that the declaration allows; ``make lock`` renews them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)
ALL_GROUPS = ["build", "demo", "agent", "test", "lint"]
CONTENTS = {"runtime": (True, False, []), "build": (False, False, ["build"]), "demo": (True, True, ["build", "demo"]),
            "dev": (True, True, ALL_GROUPS), "bench": (False, False, ["bench"])}  # fmt: skip


def declared(lock: str) -> list[Requirement]:
    portal, agent, groups = CONTENTS[lock]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [line for group in groups for line in project["dependency-groups"][group]]
    lines += project["project"]["dependencies"] if portal else []
    lines += tomllib.loads((ROOT / "agent/pyproject.toml").read_text())["project"]["dependencies"] if agent else []
    return [Requirement(line) for line in lines]


def locked(lock: str) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for match in PIN.finditer((ROOT / f"requirements/{lock}.txt").read_text()):
        pins.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return pins


def allowed_pin(wanted: Requirement, pins: dict[str, set[str]]) -> bool:
    return any(wanted.specifier.contains(version) for version in pins.get(canonicalize_name(wanted.name), ()))


@pytest.mark.parametrize("lock", CONTENTS)
def test_lock_has_every_declared_library_in_an_allowed_version(lock: str) -> None:
    pins = locked(lock)
    stale = [str(wanted) for wanted in declared(lock) if not allowed_pin(wanted, pins)]
    assert not stale, "run `make lock`"


@pytest.mark.parametrize("lock", CONTENTS)
def test_lock_pins_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    assert text.count("--hash=sha256:") >= len(locked(lock))
    assert "://" not in text
    assert "--index-url" not in text


def test_front_end_lock_names_no_index() -> None:
    assert '"resolved"' not in (ROOT / "assets/package-lock.json").read_text()
