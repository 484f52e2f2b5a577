"""The agent runs on Windows, macOS and Linux: what only one of them has is named in one file."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().parents[2] / "agent" / "labcourier_agent"
ONLY_HERE = AGENT / "system.py"
MODULES = sorted(path for path in AGENT.rglob("*.py") if path.name != "__main__.py")
POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
WATCHED = ("os", "signal", "socket", "time", "shutil")

# On Windows: no POSIX modules, no POSIX names in `os` and `signal`; msvcrt and ctypes.windll stand in as empty names.
IMPORT_AS_ON_WINDOWS = """
import importlib, os, signal, sys, types
import asyncio, ctypes, multiprocessing, subprocess, tempfile, uuid, httpx2, click, platformdirs, rich.progress
import platformdirs.unix
for name in {blocked!r}:
    sys.modules[name] = None
for module, names in {removed!r}.items():
    for name in names:
        vars(sys.modules[module]).pop(name, None)
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
signal.SIGBREAK = signal.SIGTERM
sys.platform = "win32"
for name in {modules!r}:
    importlib.import_module(name)
"""


def test_every_module_can_be_imported_where_nothing_posix_exists() -> None:
    """A process of its own: what is taken away there is missed by nobody else."""
    removed = {module: sorted(names_missing_on_windows(module)) for module in ("os", "signal")}
    program = IMPORT_AS_ON_WINDOWS.format(
        blocked=sorted(POSIX_MODULES), removed=removed, modules=list(map(dotted, MODULES))
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", [path for path in MODULES if path != ONLY_HERE], ids=lambda path: path.stem)
def test_no_other_file_names_what_windows_lacks(path: Path) -> None:
    assert not list(
        names_of_one_system(path.read_text(), {module: names_missing_on_windows(module) for module in WATCHED})
    )


def test_the_list_of_what_windows_lacks_is_known_and_found() -> None:
    """The control: without it the test above would also pass with an empty list."""
    missing = {module: names_missing_on_windows(module) for module in WATCHED}
    assert {"getuid", "fork", "fchmod", "statvfs", "chown"} <= missing["os"]
    assert {"SIGHUP", "SIGKILL", "SIGALRM"} <= missing["signal"]
    assert not {"scandir", "open", "O_APPEND", "replace"} & missing["os"]
    source = "import os, fcntl\nfrom signal import SIGHUP\nos.getuid()\n"
    assert set(names_of_one_system(source, missing)) == {"fcntl", "signal.SIGHUP", "os.getuid"}
    assert "fcntl" in set(names_of_one_system(ONLY_HERE.read_text(), missing))


def dotted(path: Path) -> str:
    parts = path.relative_to(AGENT.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def names_of_one_system(source: str, missing: dict[str, set[str]]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases if alias.name in POSIX_MODULES)
            case ast.ImportFrom(module=str(module), names=aliases):
                yield from [module] if module in POSIX_MODULES else []
                yield from (f"{module}.{alias.name}" for alias in aliases if alias.name in missing.get(module, ()))
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in missing.get(module, ()):
                yield f"{module}.{name}"


def names_missing_on_windows(module: str) -> set[str]:
    """From mypy's stubs of the standard library: what stands there for other systems alone."""
    spec = find_spec("mypy")
    assert spec is not None
    assert spec.origin is not None
    stubs = Path(spec.origin).parent / "typeshed" / "stdlib"
    stub = next(file for file in (stubs / f"{module}.pyi", stubs / module / "__init__.pyi") if file.exists())
    everywhere: set[str] = set()
    elsewhere: set[str] = set()
    _sort_names(ast.parse(stub.read_text()).body, True, everywhere, elsewhere)
    return elsewhere - everywhere


def _sort_names(body: list[ast.stmt], on_windows: bool, everywhere: set[str], elsewhere: set[str]) -> None:
    for node in body:
        if isinstance(node, ast.If):
            there = _holds_on_windows(node.test)
            _sort_names(node.body, on_windows and there is not False, everywhere, elsewhere)
            _sort_names(node.orelse, on_windows and there is not True, everywhere, elsewhere)
        else:
            (everywhere if on_windows else elsewhere).update(_defined(node))


def _holds_on_windows(test: ast.expr) -> bool | None:
    """None: it says nothing about the system."""
    match ast.unparse(test):
        case "sys.platform == 'win32'":
            return True
        case text if "sys.platform != 'win32'" in text or text.startswith("sys.platform == "):
            return False
        case text if text.startswith("sys.platform != "):
            return True
    return None


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases)
