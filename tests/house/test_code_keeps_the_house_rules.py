"""House rules that no linter knows: sizes, names, and what a room may be made of."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ["portal", "uploads", "sharing", "reminders", "keeping", "delivery", "dataplane", "agent/labcourier_agent"]
SCRIPTS = ["deploy", "checks", "demo", "peers", "bench", "tests"]
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]


def test_no_file_is_longer_than_500_lines() -> None:
    long = [path.relative_to(ROOT) for path in sources(*ROOMS, *SCRIPTS) if len(path.read_text().splitlines()) > 500]
    assert not long, "split these"


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [path.relative_to(ROOT) for path in sources(*ROOMS, *SCRIPTS) if path.stem in VAGUE_NAMES]
    assert not vague, "name these for what they do"


@pytest.mark.parametrize("path", sources("dataplane"), ids=lambda path: path.stem)
def test_data_plane_needs_the_standard_library_and_one_fast_checksum_only(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"dataplane", "zlib_ng"}
    assert imported_packages(path) <= allowed


def imported_packages(path: Path) -> set[str]:
    """Top-level names that the file imports anywhere."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            packages.add(node.module.partition(".")[0])
    return packages
