"""The programs people have must open our zips.

On Debian they come with `apt-get install unzip p7zip-full libarchive-tools`; one that is missing is skipped and named.
"""

import hashlib
import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from dataplane.ziplayout import Entry
from dataplane.zipstream import zip_bytes
from tests.dataplane.zip_samples import SOME_DAY, entry, laid_out, layout_of, source_of, whole_zip

EXTRACT = {
    "unzip": ["unzip", "-q", "-o", "{zip}", "-d", "{target}"],
    "7z": ["7z", "x", "-y", "-bso0", "-bsp0", "-o{target}", "{zip}"],
    "bsdtar": ["bsdtar", "-x", "-f", "{zip}", "-C", "{target}"],
    "python": ["python3", "-m", "zipfile", "-e", "{zip}", "{target}"],
}
TOOLS = [
    pytest.param(name, marks=pytest.mark.skipif(not shutil.which(line[0]), reason=f"{line[0]} is not installed"))
    for name, line in EXTRACT.items()
]
# Some of these ingestion refuses. Whoever gets rows in by another way still gets no further than the folder.
HOSTILE = [
    "-rf", "--help", "$(id)", "`id`", "; rm x", "&& id", "| id", "a'b", 'a"b', "<script>", "%2e%2e%2f", "...", "a. b",
    "~", "~root", "*", "?", "[a]", "!x", "#x", "=cmd()", "+1", "@x", "café", "файл", "显微镜", "🔬.tif",
    "a b  c", " lead", "x" * 251 + ".tif", "ü" * 125, "%s%n", "{0}", "nul.txt.tif", "ab:c", "\u202egpj.exe", "\u200b",
    "a\u00a0b",
]  # fmt: skip

HOSTILE += [
    f"{before}{name}{after}"
    for name in HOSTILE[:30]
    if len(name) < 100
    for before, after in (("deep/", ""), ("-", ".svg"), ("~", " "), ("%", "/in"))
]


def extract(tool: str, content: bytes, room: Path) -> Path:
    archive, target = room / "data.zip", room / "inside"
    archive.write_bytes(content)
    target.mkdir()
    command = [part.format(zip=archive, target=target) for part in EXTRACT[tool]]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_unpacks_it_and_sha256sum_agrees(tool: str, tmp_path: Path) -> None:
    files = {"a/Ansicht ä.tif": b"1" * 70_000, "empty": b"", "b/显微镜.mrc": bytes(range(256)), "with space.txt": b"x"}
    folder = extract(tool, whole_zip(files), tmp_path) / "Lysozyme"
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "manifest-sha256.txt"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count(": OK") == len(files)


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.values[0] != "python"])
def test_files_keep_the_time_they_had_at_the_instrument(tool: str, tmp_path: Path) -> None:
    folder = extract(tool, whole_zip({"a.txt": b"x"}), tmp_path) / "Lysozyme"
    assert (folder / "a.txt").stat().st_mtime == SOME_DAY


@pytest.mark.parametrize("tool", TOOLS)
def test_hostile_names_stay_inside_the_folder(tool: str, tmp_path: Path) -> None:
    files = {name: hashlib.sha256(name.encode()).digest() for name in HOSTILE}
    content = whole_zip(files)
    room = tmp_path / "room"
    room.mkdir()
    around = set(tmp_path.iterdir())
    inside = extract(tool, content, room)
    assert set(tmp_path.iterdir()) == around
    assert {path.name for path in room.iterdir()} == {"data.zip", "inside"}
    assert {path.name for path in inside.iterdir()} == {"Lysozyme"}
    found = files_below(inside / "Lysozyme")
    found.pop("manifest-sha256.txt")
    assert found == files


@pytest.mark.parametrize("tool", TOOLS)
def test_more_entries_than_the_old_format_can_count(tool: str, tmp_path: Path) -> None:
    files = {f"{number % 10}/{number:06d}": b"" for number in range(66_000)}
    inside = extract(tool, whole_zip(files), tmp_path)
    assert sum(1 for path in inside.rglob("*") if path.is_file()) == 66_001


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["unzip", "7z", "bsdtar"])
def test_a_file_of_five_gigabytes_is_listed_with_its_size(tool: str, tmp_path: Path) -> None:
    """Zeros in a sparse file: the headers are what is tried, so the contents need not be read."""
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    size = 5 * 1024**3 + 3
    archive = tmp_path / "huge.zip"
    _write_sparse(archive, size)
    listing = {"unzip": ["unzip", "-l"], "7z": ["7z", "l"], "bsdtar": ["bsdtar", "-tvf"]}[tool]
    done = subprocess.run([*listing, archive], capture_output=True, text=True, check=True)
    assert str(size) in done.stdout
    with zipfile.ZipFile(archive) as opened, opened.open("Session/z after.txt") as after:
        assert after.read() == b"after the huge one"


def _write_sparse(archive: Path, size: int) -> None:
    after = b"after the huge one"
    layout = laid_out("Session", [Entry("movie.mrc", size, 0, SOME_DAY, "0" * 64), entry("z after.txt", after)])
    with archive.open("wb") as out:
        for part in layout.segments(0, layout.total):
            if isinstance(part, bytes):
                out.write(part)
            elif part.path == "movie.mrc":
                out.seek(size, io.SEEK_CUR)
            else:
                out.write(after)


def test_a_zip_fetched_in_pieces_is_the_same_zip() -> None:
    files = {"a": b"1" * 1000, "b": b"2" * 1000}
    layout, whole = layout_of(files), whole_zip(files)
    pieces = [
        b"".join(zip_bytes(layout, at, min(at + 333, layout.total), source_of(files)))
        for at in range(0, layout.total, 333)
    ]
    assert b"".join(pieces) == whole
