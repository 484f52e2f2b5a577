"""The programs people have must open our zips (huge ones and hostile names: `tests/faults`)."""

import subprocess
from pathlib import Path

import pytest

from tests.dataplane.zip_programs import EXTRACT, extract
from tests.dataplane.zip_samples import SOME_DAY, layout_of, source_of, whole_zip, zip_bytes


@pytest.mark.parametrize("program", EXTRACT)
def test_every_tool_unpacks_it_and_sha256sum_agrees(program: str, tmp_path: Path) -> None:
    files = {"a/Ansicht ä.tif": b"1" * 70_000, "empty": b"", "b/显微镜.mrc": bytes(range(256)), "with space.txt": b"x"}
    folder = extract(program, whole_zip(files), tmp_path) / "Lysozyme"
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "manifest-sha256.txt"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(": OK") == len(files)


@pytest.mark.parametrize("program", [program for program in EXTRACT if program != "python"])
def test_files_keep_the_time_they_had_at_the_instrument(program: str, tmp_path: Path) -> None:
    folder = extract(program, whole_zip({"a.txt": b"x"}), tmp_path) / "Lysozyme"
    assert (folder / "a.txt").stat().st_mtime == SOME_DAY


def test_a_zip_fetched_in_pieces_is_the_same_zip() -> None:
    files = {"a": b"1" * 1000, "b": b"2" * 1000}
    layout, whole = layout_of(files), whole_zip(files)
    pieces = [
        b"".join(zip_bytes(layout, at, min(at + 333, layout.total), source_of(files)))
        for at in range(0, layout.total, 333)
    ]
    assert b"".join(pieces) == whole
