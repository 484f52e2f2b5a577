"""When a file that an instrument writes is complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labcourier_agent.completeness import Completeness, Judge, parent_of
from labcourier_agent.open_files import OpenFiles
from labcourier_agent.scan import Found
from labcourier_agent.source import look_at

HOLDER = "import sys; held = open(sys.argv[1], sys.argv[2]); print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def image(tmp_path: Path) -> Found:
    (tmp_path / "run" / "grid").mkdir(parents=True)
    file = tmp_path / "run" / "grid" / "image.tif"
    file.write_bytes(b"image")
    return Found(str(file), "grid/image.tif", look_at(str(file)))


def is_complete(
    rule: Completeness, image: Found, *, unchanged_for: float = 99, ending: bool = False, newest: int = 0
) -> bool:
    home = str(Path(image.source).parents[1])
    return Judge(rule, lambda folder: newest).is_complete(image, home, unchanged_for=unchanged_for, ending=ending)


def test_a_file_has_to_stay_the_same_for_a_while(image: Found) -> None:
    assert not is_complete(Completeness(stable=10), image, unchanged_for=9.9)
    assert is_complete(Completeness(stable=10), image, unchanged_for=10)


@pytest.mark.parametrize(
    ("marker", "file", "complete"),
    [
        ("{name}.done", "grid/image.tif.done", True),
        ("{stem}.xml", "grid/image.xml", True),
        ("{stem}.xml", "grid/other.xml", False),
        ("READY", "grid/READY", True),
        ("READY", "READY", True),
        ("READY", "../READY", False),
    ],
)
def test_a_marker_stands_beside_a_file_or_above_it_within_its_dataset(
    image: Found, marker: str, file: str, complete: bool
) -> None:
    rule = Completeness(marker=marker)
    assert not is_complete(rule, image)
    (Path(image.source).parents[1] / file).touch()
    assert is_complete(rule, image) is complete


def test_the_newest_file_waits_for_a_newer_one_unless_the_end_has_come(image: Found) -> None:
    rule = Completeness(newer=True)
    mtime_ns = image.signature.mtime_ns
    assert not is_complete(rule, image, newest=mtime_ns)
    assert is_complete(rule, image, newest=mtime_ns + 1)
    assert is_complete(rule, image, newest=mtime_ns, ending=True)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only on Linux can others be asked what they have open"
)
@pytest.mark.parametrize(("mode", "complete"), [("ab", False), ("r+b", False), ("rb", True)])
def test_a_file_that_another_program_writes_is_not_complete(image: Found, mode: str, complete: bool) -> None:
    command = [sys.executable, "-c", HOLDER, image.source, mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        assert is_complete(Completeness(lock=True), image) is complete
        holder.communicate()
    assert is_complete(Completeness(lock=True), image)


def test_where_the_system_tells_nothing_no_file_counts_as_open(image: Found, tmp_path: Path) -> None:
    assert not OpenFiles(tmp_path / "no-proc").is_written(image.source)


def test_the_folder_of_a_path_is_found_on_every_system() -> None:
    assert parent_of("/data/run/a.tif") == "/data/run"
    assert parent_of(r"\\server\share\run\a.tif") == r"\\server\share\run"
