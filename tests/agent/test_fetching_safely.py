"""What a portal could send to do harm, and what only another system forbids."""

import errno
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from labcourier_agent.accounts import Account
from labcourier_agent.exits import BadUsage, Busy, Invalid
from labcourier_agent.fetching.fetch_journal import Row
from labcourier_agent.fetching.folder import Folder, NoRoomHere, OtherContent, WrongBytes
from labcourier_agent.fetching.local_names import local_name
from labcourier_agent.fetching.manifest_lines import read_lines
from labcourier_agent.fetching.shared_portal import SharedPortal
from labcourier_agent.fetching.sources import Link, Source, own_dataset, parse_link
from labcourier_agent.fetching.unbundling import Unbundler
from labcourier_agent.fetching.verify import Check, VerifyTally, verify

CONTENTS = {"a.txt": b"one", "empty": b"", "long " * 40 + "größe.tif": bytes(range(256)) * 40, "z": b"x" * 512}


def tar_of(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 100, 511, 513, 100_000])
def test_a_bundle_is_read_however_it_is_cut_into_pieces(size: int) -> None:
    tar = Unbundler(pieces(tar_of(CONTENTS), size))
    assert {name: b"".join(tar.content()) for name, _ in tar.members()} == CONTENTS


def test_a_member_that_is_not_read_is_passed_over() -> None:
    tar = Unbundler(pieces(tar_of(CONTENTS), 700))
    assert [(name, size) for name, size in tar.members()] == [(name, len(body)) for name, body in CONTENTS.items()]


@pytest.mark.parametrize("length", [0, 300, 600, 1100, 3000])
def test_a_bundle_that_ends_early_or_is_none_is_passing_trouble(length: int) -> None:
    for body in (tar_of(CONTENTS)[:length], b"<html>" * 1000):
        tar = Unbundler(pieces(body, 200))
        with pytest.raises(Busy):
            list(tar.members())


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "a//b", "", "a/./b", "a/", "a\0b"])
def test_no_name_leads_out_of_the_folder(path: str) -> None:
    for windows in (True, False):
        with pytest.raises(Invalid):
            local_name(path, windows=windows)


def test_on_windows_names_are_written_so_that_two_never_become_one() -> None:
    written = {
        "run 1/a.tif": "run 1/a.tif",
        "a:b": "a%3Ab",
        "a%3Ab": "a%253Ab",
        "100%": "100%",
        'what?/"x"<y>|*': "what%3F/%22x%22%3Cy%3E%7C%2A",
        "con.txt": "%63on.txt",
        "run.": "run%2E",
        "run ": "run%20",
    }
    assert {path: local_name(path, windows=True) for path in written} == written
    assert all(local_name(path, windows=False) == path for path in written)
    for path in ("C:/x", "a\\b"):
        if "\\" in path:
            with pytest.raises(Invalid):
                local_name(path, windows=True)
        else:
            assert local_name(path, windows=True) == "C%3A/x"


def test_the_link_may_be_any_address_of_it() -> None:
    link = Link("https://portal.example.org/data", "lcs_aB-_9")
    for below in ("", "/", "/session.zip?start", "/files/a.txt", "?folder=x", "/manifest-sha256.txt"):
        assert parse_link(f"https://portal.example.org/data/s/lcs_aB-_9{below}") == link
    for wrong in ("", "lcs_aB", "https://portal.example.org/", "ftp://x/s/lcs_a", "https://x/s/lcs_a/selection?in=b"):
        with pytest.raises(BadUsage):
            parse_link(wrong)
    assert "lcs_" not in repr(link)


def test_a_list_of_digests_by_others_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{'0' * 64}  ../secret\n\\{'1' * 64}  line\\nend\n{'2' * 64} *binary\n")
    assert [name for name, _ in read_lines(manifest)] == ["../secret", "line\nend", "binary"]
    results = [checked.result for checked in verify(folder, manifest, VerifyTally())]
    assert results == [Check.UNREADABLE, Check.MISSING, Check.MISSING]
    manifest.write_text("hello\n")
    with pytest.raises(BadUsage, match="line 1"):
        list(read_lines(manifest))


def row_of(path: str, content: bytes) -> Row:
    return Row(path, len(content), None, hashlib.sha256(content).hexdigest(), "", "", "taken")


def test_a_disk_that_is_full_ends_the_run_with_a_remedy_and_what_lay_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, row = Folder(tmp_path, overwrite=True), row_of("run/a.txt", b"newer")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.txt").write_bytes(b"older")

    def write(descriptor: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("labcourier_agent.fetching.folder.os.write", write)
        with pytest.raises(NoRoomHere, match="make room, then run the same command again"):
            folder.write(row, [b"new", b"er"])
    assert (tmp_path / "run" / "a.txt").read_bytes() == b"older"
    folder.write(row, [b"new", b"er"])
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["a.txt"]
    assert (tmp_path / "run" / "a.txt").read_bytes() == b"newer"


@pytest.mark.parametrize("content", [b"", b"other", b"newer and more"])
def test_what_lies_in_the_place_of_a_small_file_is_replaced_only_if_it_is_its_beginning(
    tmp_path: Path, content: bytes
) -> None:
    folder, row = Folder(tmp_path, overwrite=False), row_of("run/a.txt", b"newer")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a.txt").write_bytes(content)
    if b"newer".startswith(content):
        folder.write(row, [b"newer"])
        content = b"newer"
    else:
        with pytest.raises(OtherContent):
            folder.write(row, [b"newer"])
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == {"a.txt": content}


def test_bytes_with_another_digest_reach_no_file(tmp_path: Path) -> None:
    with pytest.raises(WrongBytes):
        Folder(tmp_path, overwrite=False).write(row_of("run/a.txt", b"newer"), [b"n3wer"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("address", ["https://elsewhere.example/x", "//elsewhere.example/x", "x", ""])
def test_a_token_or_password_is_shown_to_no_other_host(address: str) -> None:
    with httpx2.Client() as http:
        portal = SharedPortal(http, Source("https://portal.example.org", "/api", "Bearer lcp_x", keeps_receipts=False))
        with pytest.raises(Invalid), portal.file(address, "0" * 64, 0):
            pass


def test_secrets_are_not_shown_in_what_is_printed_of_a_source() -> None:
    link = Link("https://portal.example.org", "lcs_secret")
    own = own_dataset(Account("https://portal.example.org", "a@b.example", "lcp_secret"), "1")
    assert "secret" not in f"{link!r} {link.source('secret')!r} {own!r}"
