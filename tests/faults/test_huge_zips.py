"""Zips beyond what the old format can count open in the programs that people have."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataplane.ziplayout import Entry
from tests.dataplane.zip_programs import CHECK, LIST, run
from tests.dataplane.zip_samples import SOME_DAY, entry, laid_out, whole_zip
from tests.faults.conftest import Found
from tests.faults.sizes import CAMPAIGN

pytestmark = pytest.mark.promise("P11")
ENTRIES = 70_000
HUGE = 5 * 1024**3 + 3
AFTER = b"after the huge one"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("many") / "many.zip"
    archive.write_bytes(whole_zip({f"{number % 10}/{number:06d}": b"%d" % number for number in range(ENTRIES)}))
    return archive


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sparse file: zeros take no room. Their checksum is computed where the programs will read them all."""
    archive = tmp_path_factory.mktemp("huge") / "huge.zip"
    movie = Entry("movie.mrc", HUGE, _crc_of_zeros(HUGE) if CAMPAIGN else 0, SOME_DAY, "0" * 64)
    layout = laid_out("Session", [movie, entry("z after.txt", AFTER)])
    with archive.open("wb") as out:
        for part in layout.segments(0, layout.total):
            if isinstance(part, bytes):
                out.write(part)
            elif part.path == "movie.mrc":
                out.seek(HUGE, io.SEEK_CUR)
            else:
                out.write(AFTER)
    yield archive
    archive.unlink()


def _crc_of_zeros(count: int) -> int:
    zeros, crc = bytes(2**24), 0
    for start in range(0, count, len(zeros)):
        crc = zlib.crc32(zeros[: count - start], crc)
    return crc


@pytest.mark.parametrize("program", CHECK)
def test_more_entries_than_the_old_format_can_count_are_all_right(program: str, many: Path, found: Found) -> None:
    run(CHECK[program], many)
    assert run(LIST[program], many).count("/00") >= ENTRIES // 10
    found(f"{ENTRIES} entries, each of them read")


@pytest.mark.parametrize("program", LIST)
def test_a_file_of_five_gigabytes_has_its_size_and_what_follows_it_is_found(
    program: str, huge: Path, found: Found
) -> None:
    assert str(HUGE) in run(LIST[program], huge)
    with zipfile.ZipFile(huge) as opened, opened.open("Session/z after.txt") as after:
        assert after.read() == AFTER
    if CAMPAIGN:
        run(CHECK[program], huge)
    found(f"{HUGE} bytes, {'each of them read' if CAMPAIGN else 'listed'}")
