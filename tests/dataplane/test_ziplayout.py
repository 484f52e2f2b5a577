import io
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.ziplayout import Entry, SourceSlice, ZipLayout
from tests.dataplane.zip_samples import SOME_DAY, entry, laid_out, layout_of, source_of, whole_zip, zip_bytes

FILES = {
    "empty.dat": b"",
    "grid 1/Ansicht ä.tif": b"II*\0" + bytes(5000),
    "grid 1/naïve/显微镜.mrc": bytes(range(256)) * 40,
    "notes.txt": b"taken on Friday\n",
}
HUGE = 5 * 1024**3


def test_a_zip_has_exactly_the_size_that_was_promised() -> None:
    assert len(whole_zip(FILES)) == layout_of(FILES).total


def test_python_opens_it_and_finds_every_byte_in_one_folder() -> None:
    with zipfile.ZipFile(io.BytesIO(whole_zip(FILES))) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [f"Lysozyme/{path}" for path in (*sorted(FILES), "manifest-sha256.txt")]
        assert {path: opened.read(f"Lysozyme/{path}") for path in FILES} == FILES


def test_entries_are_stored_and_know_their_time_and_checksum() -> None:
    with zipfile.ZipFile(io.BytesIO(whole_zip(FILES))) as opened:
        found = opened.getinfo("Lysozyme/notes.txt")
    assert found.compress_type == zipfile.ZIP_STORED
    assert found.flag_bits == 0x800  # UTF-8, and no data descriptor
    assert entry("", FILES["notes.txt"]).crc32 == found.CRC
    assert datetime(*found.date_time, tzinfo=UTC).timestamp() == SOME_DAY - SOME_DAY % 2
    assert found.external_attr >> 16 == 0o100644


def test_the_manifest_inside_names_every_file_relative_to_the_folder() -> None:
    with zipfile.ZipFile(io.BytesIO(whole_zip(FILES))) as opened:
        text = opened.read("Lysozyme/manifest-sha256.txt").decode()
    assert text == "".join(f"{entry(path, FILES[path]).sha256}  {path}\n" for path in sorted(FILES))


def test_a_file_that_is_called_like_the_manifest_keeps_its_name() -> None:
    files = {"Manifest-SHA256.txt": b"theirs", "manifest-sha256-2.txt": b"theirs too"}
    layout = layout_of(files)
    assert layout.manifest_path == "manifest-sha256-3.txt"
    with zipfile.ZipFile(io.BytesIO(whole_zip(files))) as opened:
        assert opened.read("Lysozyme/Manifest-SHA256.txt") == b"theirs"


file_names = st.text(alphabet="aAbé 显-_.", min_size=1, max_size=12).filter(lambda name: name.strip("."))
file_lists = st.dictionaries(file_names, st.binary(max_size=300), max_size=12)


@settings(max_examples=150, deadline=None)
@given(file_lists, st.data())
def test_any_range_is_the_slice_of_the_whole(files: dict[str, bytes], data: st.DataObject) -> None:
    layout, whole = layout_of(files), whole_zip(files)
    start = data.draw(st.integers(0, layout.total))
    stop = data.draw(st.integers(start, layout.total))
    piece = data.draw(st.sampled_from([1, 7, 100, 1 << 20]))
    assert b"".join(zip_bytes(layout, start, stop, source_of(files), piece=piece)) == whole[start:stop]


def test_a_range_across_thousands_of_entries_is_the_slice_of_the_whole() -> None:
    files = {f"f{number:05d}": b"x" * (number % 3) for number in range(9000)}
    layout, whole = layout_of(files), whole_zip(files)
    for start in range(0, layout.total, layout.total // 37):
        for length in (1, 5000, 400_000):
            stop = min(start + length, layout.total)
            assert b"".join(zip_bytes(layout, start, stop, source_of(files))) == whole[start:stop]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4), (0, 10**9)])
def test_a_range_outside_of_the_zip_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="no part of it"):
        list(layout_of(FILES).segments(start, stop))


def test_the_same_files_make_the_same_etag_and_any_change_another() -> None:
    changed = [
        layout_of({**FILES, "notes.txt": b"taken on Sunday\n"}),
        layout_of({path: FILES[path] for path in FILES if path != "empty.dat"}),
        layout_of({("other.txt" if path == "notes.txt" else path): FILES[path] for path in FILES}),
        layout_of(FILES, folder="Insulin"),
        layout_of(FILES, revision=2),
        laid_out("Lysozyme", [entry(path, FILES[path], mtime=1) for path in sorted(FILES)]),
    ]
    tags = {layout.etag for layout in (layout_of(FILES), *changed)}
    assert len(tags) == 1 + len(changed)
    assert layout_of(FILES).etag == layout_of(FILES).etag
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def _sparse(*sizes: int) -> ZipLayout:
    entries = (Entry(f"movie-{number:05d}.mrc", size, 7, SOME_DAY, "0" * 64) for number, size in enumerate(sizes))
    return laid_out("Session", entries)


def _without_contents(layout: ZipLayout) -> bytes:
    return b"".join(part for part in layout.segments(0, layout.total) if isinstance(part, bytes))


@pytest.mark.parametrize(
    "sizes", [(HUGE,), (10, HUGE, 20), (3 * 1024**3, 3 * 1024**3, 30), (0xFFFFFFFE, 1), (0xFFFFFFFF, 1)]
)
def test_sizes_beyond_four_gigabytes_add_up(sizes: tuple[int, ...]) -> None:
    layout = _sparse(*sizes)
    parts = list(layout.segments(0, layout.total))
    assert sum(len(part) if isinstance(part, bytes) else part.stop - part.start for part in parts) == layout.total
    assert layout.total == sum(sizes) + len(_without_contents(layout))


def test_a_range_in_a_huge_file_is_that_part_of_it() -> None:
    layout = _sparse(10, HUGE, 20)
    (part,) = layout.segments(4 * 1024**3, 4 * 1024**3 + 100)
    assert isinstance(part, SourceSlice)
    assert (part.path, part.stop - part.start) == ("movie-00001.mrc", 100)
    before = sum(len(piece) for piece in layout.segments(0, 400) if isinstance(piece, bytes)) + 10
    assert part.start == 4 * 1024**3 - before


def test_zip64_records_appear_only_where_they_are_needed() -> None:
    end64, extra64 = b"PK\x06\x06", b"\x01\x00\x10\x00"
    small, huge = _without_contents(_sparse(10, 20)), _without_contents(_sparse(HUGE))
    assert end64 not in small
    assert extra64 not in small
    assert end64 in huge
    assert huge.count(extra64) == 2  # in the local header and in the central one
    assert end64 not in _without_contents(_sparse(*[0] * 65533))  # with the manifest 65 534
    assert end64 in _without_contents(_sparse(*[0] * 65534))


def test_seventy_thousand_files_open() -> None:
    files = {f"tile {number:06d}.tif": b"%d" % number for number in range(70_000)}
    with zipfile.ZipFile(io.BytesIO(whole_zip(files))) as opened:
        assert len(opened.namelist()) == 70_001
        assert opened.read("Lysozyme/tile 069999.tif") == b"69999"


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../up", "a/../b", "a/..", "a//b", "a/", "./a", "a\\b", "..\\up", "C:/x", "c:x", "a\nb",
        "a\rb", "a\0b", "a\x1bb", "\n", "a/\n", "a\n../b",
    ],
)  # fmt: skip
def test_a_path_that_could_leave_the_folder_never_enters(path: str) -> None:
    with pytest.raises(ValueError, match="must not enter a zip"):
        layout_of({path: b"", "zz": b""})
    with pytest.raises(ValueError, match="must not enter a zip"):
        layout_of({}, folder=path)


@pytest.mark.parametrize("paths", [("b", "a"), ("a", "a"), ("a/b", "a")])
def test_paths_that_are_not_sorted_and_unique_are_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be sorted"):
        laid_out("Lysozyme", [entry(path, b"") for path in paths])


def test_the_order_is_checked_across_batches_too() -> None:
    entries = [entry(f"{number:05d}", b"") for number in range(4096)]
    with pytest.raises(ValueError, match="must be sorted"):
        laid_out("Lysozyme", [*entries, entry("00000", b"")])


def test_a_digest_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        laid_out("Lysozyme", [Entry("a", 1, 1, 1, "abc")])


@pytest.mark.parametrize("mtime", [-5, 0, 2**31, 2**40])
def test_a_clock_that_was_wrong_does_not_break_the_zip(mtime: int) -> None:
    layout = laid_out("Lysozyme", [entry("a", b"x", mtime=mtime)])
    content = b"".join(zip_bytes(layout, 0, layout.total, source_of({"a": b"x"})))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.read("Lysozyme/a") == b"x"
