"""`labcourier compare`: what is here against what the portal has."""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcourier_agent import portal_reader
from labcourier_agent.compare import Result, Tally, compare
from labcourier_agent.digests import digest_line
from labcourier_agent.portal_client import PortalFile
from tests.agent.conftest import Agent
from tests.agent.conftest import Result as Told
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import StoredDataset
from tests.agent.portal_to_look_at import PortalToLookAt


@pytest.fixture
def portal() -> Iterator[PortalToLookAt]:
    with PortalToLookAt() as portal:
        yield portal


@pytest.fixture
def sent(ada: Agent, portal: PortalToLookAt, data: Path) -> StoredDataset:
    """The folder `data`, sent and verified."""
    assert ada("send", data, "--title", "Run 7").code == 0
    return portal.dataset


def rows(told: Told) -> dict[str, dict[str, str]]:
    return {row["path"]: row for row in csv.DictReader(io.StringIO(told.out))}


def results(told: Told) -> dict[str, str]:
    return {path: row["result"] for path, row in rows(told).items()}


def test_what_was_sent_is_the_same(ada: Agent, sent: StoredDataset, data: Path) -> None:
    told = ada("compare", data, sent.id)
    assert told.code == 0
    assert results(told) == {"deep/er/empty.txt": "same", "one.tif": "same", "two größer.tif": "same"}
    assert rows(told)["one.tif"]["sha256_here"] == hashlib.sha256(b"one" * 1000).hexdigest()
    assert "3 same (9.0 kB read)" in told.err


def test_each_kind_of_difference_is_found(ada: Agent, portal: PortalToLookAt, sent: StoredDataset, data: Path) -> None:
    (data / "one.tif").write_bytes(b"eno" * 1000)
    (data / "two größer.tif").write_bytes(b"shorter")
    (data / "new.tif").write_bytes(b"new")
    (data / "half.tif").write_bytes(b"half")
    portal.put(sent, "half.tif", 4, hashlib.sha256(b"half").hexdigest(), "received")
    portal.put(sent, "gone.tif", 4, "0" * 64)
    told = ada("compare", data, sent.id)
    assert told.code == 7
    assert results(told) == {
        "deep/er/empty.txt": "same",
        "half.tif": "missing",
        "new.tif": "missing",
        "one.tif": "different",
        "two größer.tif": "different",
        "gone.tif": "only_at_portal",
    }
    notes = {path: row["note"] for path, row in rows(told).items() if row["note"]}
    assert notes == {
        "half.tif": "at the portal, but not verified yet",
        "one.tif": "another content",
        "two größer.tif": "another size",
    }


def test_with_size_only_nothing_is_read(ada: Agent, sent: StoredDataset, data: Path) -> None:
    (data / "one.tif").write_bytes(b"eno" * 1000)
    told = ada("compare", data, sent.id, "--size-only", "--json")
    assert told.code == 0
    assert told.document["bytes_read"] == 0
    assert {file["note"] for file in told.document["files"]} == {"only the size was compared"}


def test_json_is_one_document(ada: Agent, portal: PortalToLookAt, sent: StoredDataset, data: Path) -> None:
    portal.put(sent, "gone.tif", 4, "0" * 64)
    told = ada("compare", data, sent.id, "--json", "--differences")
    assert told.code == told.document["exit_code"] == 7
    assert [(file["path"], file["result"]) for file in told.document["files"]] == [("gone.tif", "only_at_portal")]
    counts = {"same": 3, "different": 0, "missing": 0, "only_at_portal": 1, "unreadable": 0}
    assert told.document["counts"] == counts
    assert told.document["dataset"]["id"] == sent.id


def test_a_dataset_is_found_by_name_and_by_address(ada: Agent, sent: StoredDataset, data: Path) -> None:
    for title in ("Run 8", "Run 9", "Run 10"):
        assert ada("send", data / "one.tif", "--title", title).code == 0
    named = ada("compare", data, "2026-11-20_18.20.37-32-Run 7", "--json")
    assert named.document["dataset"]["id"] == sent.id
    address = named.document["dataset"]["url"]
    assert ada("compare", data, f"{address}/?page=2", "--json").document["dataset"]["id"] == sent.id


def test_what_is_not_there_is_told(ada: Agent, sent: StoredDataset, data: Path, tmp_path: Path) -> None:
    assert ada("compare", data, "Run 99").code == 3
    assert ada("compare", tmp_path / "nowhere", sent.id).code == 3
    elsewhere = ada("compare", data, f"https://other.example.org/datasets/{sent.id}/")
    assert elsewhere.code == 2
    assert "is at a portal that is not connected" in elsewhere.err


def test_names_that_a_spreadsheet_would_run_are_made_harmless(ada: Agent, data: Path) -> None:
    for name in ("=1+1.tif", "+a", "-b", "@c", "\td"):
        (data / name).touch()
    told = ada("send", data, "--json")
    assert told.code == 0
    listed = {row["path"] for row in rows(ada("compare", data, told.document["dataset"]["id"])).values()}
    assert {"'=1+1.tif", "'+a", "'-b", "'@c", "'\td"} <= listed


def test_a_disk_with_its_list_of_digests_is_checked_without_the_portal(
    ada: Agent, sent: StoredDataset, data: Path
) -> None:
    """K9: what goes out on a disk can be checked later, by a tool that every system has."""
    assert ada("compare", data, sent.id, "--manifest", data / "manifest-sha256.txt").code == 0
    check = ["sha256sum", "--check", "--strict", "manifest-sha256.txt"]
    assert subprocess.run(check, cwd=data, check=False, capture_output=True).returncode == 0
    assert ada("compare", data, sent.id).code == 0, "the list itself is not part of the dataset"
    (data / "one.tif").write_bytes(b"eno" * 1000)
    assert subprocess.run(check, cwd=data, check=False, capture_output=True).returncode == 1


def test_digests_of_names_with_line_ends_are_escaped_as_coreutils_does() -> None:
    assert digest_line("a\nb\\c", "0" * 64) == f"\\{'0' * 64}  a\\nb\\\\c\n"


def test_a_manifest_needs_digests(ada: Agent, sent: StoredDataset, data: Path) -> None:
    assert ada("compare", data, sent.id, "--size-only", "--manifest", "list.txt").code == 2


def test_a_passing_trouble_is_waited_out_and_a_lasting_one_ends_it(
    ada: Agent, portal: PortalToLookAt, sent: StoredDataset, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal_reader, "DELAYS", (0.0, 0.0))
    portal.faults = [Fault("GET", times=2)]
    assert ada("compare", data, sent.id).code == 0
    portal.faults = [Fault("GET", times=9)]
    assert ada("compare", data, sent.id).code == 5


def test_a_file_that_vanishes_while_it_is_compared_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")

    def pages() -> Iterator[list[PortalFile]]:
        (tmp_path / "a").unlink()
        yield [PortalFile("a", "a", 1, "verified", "0" * 64, "")]

    (compared,) = compare([str(tmp_path)], pages(), size_only=False, tally=Tally())
    assert compared.result is Result.UNREADABLE


def test_names_meet_across_systems(tmp_path: Path) -> None:
    """macOS may give names in NFD, Windows another case than was sent."""
    (tmp_path / "Gro\u0308\u00dfe.TIF").write_bytes(b"a")
    there = PortalFile("gr\u00f6sse.tif", "", 1, "verified", hashlib.sha256(b"a").hexdigest(), "")
    (compared,) = compare([str(tmp_path)], iter([[there]]), size_only=False, tally=Tally())
    assert compared.result is Result.SAME


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    def peak(pages: int) -> int:
        listed = (
            [PortalFile(f"{page:05}/{n:04}", "", 1, "verified", "0" * 64, "") for n in range(1000)]
            for page in range(pages)
        )
        tracemalloc.start()
        for _ in compare([str(tmp_path)], listed, size_only=True, tally=Tally()):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(12) < peak(3) + 500_000
