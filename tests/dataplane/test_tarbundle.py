"""A bundle is read as it is meant, and nothing in it can be meant otherwise."""

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dataplane.tarbundle import BundleRefused, Member, read_members
from tests.bundle_samples import MANIFEST, SKIPPED, Sample, make_bundle

LONG = "/".join(["Ordner mit Ümläuten"] * 12) + "/scan.tif"


def link(kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    header = tarfile.TarInfo("link")
    header.type, header.linkname = kind, target
    return header


Read = Callable[..., list[Member]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_back(data: bytes, manifest_at: int, count: int) -> list[Member]:
        path = tmp_path / "bundle.tar"
        path.write_bytes(data)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return read_members(descriptor, manifest_at=manifest_at, count=count)
        finally:
            os.close(descriptor)

    return read_back


def test_members_lie_where_the_layout_says(read: Read) -> None:
    samples = [Sample("a.tif", b"0123"), Sample("b/empty.txt", b""), Sample(LONG, b"x" * 1000)]
    data, manifest_at = make_bundle(samples)
    members = read(data, manifest_at, 3)
    assert [member.path for member in members] == ["a.tif", "b/empty.txt", LONG]
    assert [member.problem for member in members] == ["", "", ""]
    assert [data[m.offset : m.offset + m.size] for m in members] == [sample.data for sample in samples]
    assert members[0].mtime_ns == 1_700_000_000_123_456_789


def test_a_member_that_was_left_out_has_no_digest(read: Read) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", bytes(7), sha256=SKIPPED), Sample("b.tif", b"1")])
    assert [member.sha256 == "" for member in read(data, manifest_at, 2)] == [True, False]


@pytest.mark.parametrize(
    ("sample", "word"),
    [
        (Sample("link", b"", header=link(tarfile.SYMTYPE)), "symbolic link"),
        (Sample("link", b"", header=link(tarfile.LNKTYPE)), "hard link"),
        (Sample("device", b"", header=link(tarfile.CHRTYPE)), "device"),
        (Sample("pipe", b"", header=link(tarfile.FIFOTYPE)), "no plain file"),
        (Sample("folder", b"", header=link(tarfile.DIRTYPE)), "folder"),
        (Sample("bomb.tif", b"0" * 2000, stated_size=3), "2000 bytes"),
        (Sample("a.tif", b"0", stated_path="b.tif"), "different names"),
    ],
)
def test_a_bad_member_spoils_only_itself(read: Read, sample: Sample, word: str) -> None:
    data, manifest_at = make_bundle([Sample("first.tif", b"1"), sample, Sample("last.tif", b"2")])
    members = read(data, manifest_at, 3)
    assert word in members[1].problem
    assert [members[0].problem, members[2].problem] == ["", ""]
    assert data[members[2].offset : members[2].offset + 1] == b"2"


@pytest.mark.parametrize("cut", [1, 511, 512, 1024, 1536, 2047])
def test_a_bundle_that_ends_early_is_refused(read: Read, cut: int) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", b"0123")])
    with pytest.raises(BundleRefused):
        read(data[: manifest_at + 512 + 60][:-cut], manifest_at, 1)


@pytest.mark.parametrize("byte", [0, 100, 124, 148, 156, 257, 345])
def test_a_damaged_header_is_noticed(read: Read, byte: int) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", b"0123")])
    damaged = bytearray(data)
    damaged[byte] ^= 3
    with pytest.raises(BundleRefused):
        read(bytes(damaged), manifest_at, 1)


def test_more_or_fewer_members_than_announced_are_refused(read: Read) -> None:
    samples = [Sample("a.tif", b"0123"), Sample("b.tif", b"4")]
    data, manifest_at = make_bundle(samples)
    with pytest.raises(BundleRefused, match="lists 2 files; 3 were announced"):
        read(data, manifest_at, 3)
    hidden, hidden_at = make_bundle(samples, lines=[samples[0].line()])
    with pytest.raises(BundleRefused, match="more members"):
        read(hidden, hidden_at, 1)
    missing, missing_at = make_bundle(samples[:1], lines=[sample.line() for sample in samples])
    with pytest.raises(BundleRefused):
        read(missing, missing_at, 2)


@pytest.mark.parametrize(
    "line",
    [
        "",
        'abc 4 - "a.tif"',
        f'{"0" * 64} -4 - "a.tif"',
        f'{"0" * 64} 4 1e9 "a.tif"',
        f"{'0' * 64} 4 - a.tif",
        f'{"0" * 64} 4 - "a.tif" more',
        f'{"0" * 64} 9999999999999999999 - "a.tif"',
        f'{"G" * 64} 4 - "a.tif"',
        f'{"0" * 64} 4 - "a\\x.tif"',
    ],
)
def test_a_line_that_is_none_refuses_the_bundle(read: Read, line: str) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", b"0123")], lines=[line + "\n"])
    with pytest.raises(BundleRefused, match="Line 1 of the manifest"):
        read(data, manifest_at, 1)


def test_the_manifest_must_be_where_it_was_announced(read: Read) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", b"0123"), Sample(MANIFEST, b"")])
    with pytest.raises(BundleRefused):
        read(data, 0, 2)
    with pytest.raises(BundleRefused):
        read(data, manifest_at + 512, 2)


def test_a_header_that_says_more_than_a_name_is_refused(read: Read) -> None:
    data, manifest_at = make_bundle([Sample("a.tif", b"0123", extra={"GNU.sparse.realsize": "99999999999"})])
    with pytest.raises(BundleRefused, match="plain files"):
        read(data, manifest_at, 1)
