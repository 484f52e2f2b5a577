"""Small files travel together: one upload, one verdict, and what is wrong with one of them is its own affair."""

from __future__ import annotations

import os
import tarfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from labcourier_agent import bundle_upload, bundles, senders, source
from tests.agent import test_send
from tests.agent.conftest import Agent
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import LoopbackPortal
from tests.agent.test_send import stored

MIB = 1024 * 1024
LONG = "/".join(["größer" * 12] * 4)


@pytest.fixture(autouse=True)
def settled_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "LONGEST_SETTLING", 0.05)


@pytest.fixture
def portal(portal: LoopbackPortal) -> LoopbackPortal:
    portal.take_bundles()
    return portal


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Two hundred small files, 3 MiB; some empty, some with names that fit no plain tar header."""
    folder = tmp_path / "many"
    (folder / LONG).mkdir(parents=True)
    for number in range(200):
        (folder / f"{number:03}.tif").write_bytes(os.urandom(number * 160))
    (folder / LONG / "deep.tif").write_bytes(b"deep")
    (folder / f"{'n' * 101}.tif").write_bytes(b"a hundred and five")
    (folder / "näher \n.tif").write_bytes(b"line end")
    (folder / "e\u0301.tif").write_bytes(b"two code points")
    return folder


def digests(folder: Path) -> dict[str, str]:
    """By the names the portal gives them."""
    return {unicodedata.normalize("NFC", path): sha256 for path, sha256 in test_send.digests(folder).items()}


def in_bundles_of(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "MOST_FILES", count)


def test_small_files_travel_in_one_upload_and_are_all_verified(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    assert ada("send", many, "--to", "rita@example.org").code == 0
    assert stored(portal) == digests(many)
    assert len(portal.bundles) == 1
    assert (portal.asked("POST", "/tus/"), portal.asked("PATCH", "/tus/")) == (1, 1)
    assert all(not path.endswith("/files") for method, path in portal.requests if method == "POST")
    (bundle,) = portal.bundles
    assert bundle.taken == bundle.length
    assert portal.dataset.state == "closed"


def test_times_travel_with_the_files(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    os.utime(data / "one.tif", ns=(1, 1_700_000_000_123_456_789))
    os.utime(data / "two größer.tif", ns=(-5_000_000_000, -5_000_000_000))
    assert ada("send", data).code == 0
    assert portal.dataset.files["one.tif"].mtime_ns == 1_700_000_000_123_456_789
    assert portal.dataset.files["two größer.tif"].mtime_ns is None


def test_any_tar_reads_a_bundle(ada: Agent, portal: LoopbackPortal, many: Path, tmp_path: Path) -> None:
    assert ada("send", many).code == 0
    (tmp_path / "bundle.tar").write_bytes(portal.bundles[0].body)
    with tarfile.open(tmp_path / "bundle.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (tmp_path / "unpacked" / ".labcourier-manifest").unlink()
    assert digests(tmp_path / "unpacked") == digests(many)


def test_many_files_make_several_bundles_and_a_large_one_goes_beside_them(
    ada: Agent, portal: LoopbackPortal, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_bundles_of(50, monkeypatch)
    (many / "large.mrc").write_bytes(os.urandom(9 * MIB))
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert sorted(bundle.files for bundle in portal.bundles) == [4, 50, 50, 50, 50]
    assert portal.received["large.mrc"] == 9 * MIB


def test_what_the_portal_takes_as_one_bundle_is_not_exceeded(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    portal.bundle_rules = {"max_bytes": 300_000, "max_files": 120, "threshold": 20_000}
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert all(bundle.manifest <= 300_000 and bundle.files <= 120 for bundle in portal.bundles)
    alone = [path for path in test_send.digests(many) if (many / path).stat().st_size > 20_000]
    assert len(portal.uploads) - len(portal.bundles) == len(alone)


def test_a_small_file_alone_goes_by_itself(ada: Agent, portal: LoopbackPortal, tmp_path: Path) -> None:
    (tmp_path / "alone.tif").write_bytes(b"alone")
    assert ada("send", tmp_path / "alone.tif").code == 0
    assert portal.bundles == []
    assert portal.dataset.files["alone.tif"].state == "verified"


def test_a_file_called_like_the_manifest_goes_by_itself(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    (data / ".labcourier-manifest").write_bytes(b"not ours")
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)


def test_a_cut_line_goes_on_within_the_bundle_and_reads_only_the_rest_again(
    ada: Agent, portal: LoopbackPortal, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = count_openings(monkeypatch)
    portal.faults = [Fault("PATCH", after=2 * MIB), Fault("PATCH", after=500_000)]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    (bundle,) = portal.bundles
    assert bundle.taken == bundle.length
    assert portal.asked("HEAD", "/tus/") == 2
    assert len(opened) < 2 * len(digests(many))


def count_openings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []
    really_open = os.open

    def counted(path: str, *arguments: int) -> int:
        opened.append(path)
        return really_open(path, *arguments)

    monkeypatch.setattr(os, "open", counted)
    return opened


@pytest.mark.parametrize(("method", "prefix"), [
    ("POST", "/tus/"), ("HEAD", "/tus/"), ("PATCH", "/tus/"), ("GET", "/api/v1/bundles/"),
])  # fmt: skip
@pytest.mark.parametrize("kind", [{"status": 503}, {}, {"lose": True}])
def test_passing_trouble_costs_nothing(
    ada: Agent, portal: LoopbackPortal, many: Path, method: str, prefix: str, kind: dict[str, int]
) -> None:
    """A creation whose answer was lost leaves a bundle behind that nobody will complete: it is taken away."""
    portal.faults = [Fault(method, prefix, times=2, **kind), Fault("PATCH", after=MIB)]  # type: ignore[arg-type]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert portal.dataset.state == "closed"
    assert sum(bundle.taken for bundle in portal.bundles) == portal.bundles[-1].length


def test_small_pieces_survive_a_storm(
    ada: Agent, portal: LoopbackPortal, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_upload, "PATCH_BYTES", 300_000)
    in_bundles_of(80, monkeypatch)
    portal.faults = [
        fault
        for at in range(6)
        for fault in (
            Fault("PATCH", after=at * 40_000),
            Fault("PATCH", lose=True),
            Fault("HEAD", status=423),
            Fault("PATCH", status=409),
            Fault("PATCH", after=at * 1000, status=503),
        )
    ]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert all(bundle.taken == bundle.length for bundle in portal.bundles)


def test_a_bundle_that_is_gone_is_made_anew(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    portal.faults = [Fault("PATCH", after=2 * MIB, status=404), Fault("HEAD", status=410)]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert portal.asked("POST", "/tus/") == 2


@pytest.mark.parametrize("after", [0, 1_500_000, 3_000_000])
def test_a_member_that_changes_while_it_is_packed_spoils_only_itself(
    ada: Agent, portal: LoopbackPortal, many: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Wherever the line is when it changes: not read yet, half sent, sent long ago."""
    monkeypatch.setattr(source, "PIECE", 2000)

    def change() -> None:
        for number in (0, 100, 199):
            (many / f"{number:03}.tif").write_bytes(b"changed meanwhile")

    portal.faults = [Fault("PATCH", after=after, meanwhile=change)]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert portal.dataset.state == "closed"
    assert portal.received["050.tif"] == 50 * 160


def test_a_member_that_vanishes_is_simply_not_part_of_it(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    def remove() -> None:
        (many / "150.tif").unlink()
        (many / "151.tif").unlink()

    portal.faults = [Fault("POST", "/tus/", meanwhile=remove, status=503)]
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)
    assert "151.tif" not in portal.dataset.files


def test_a_member_that_cannot_be_read_fails_alone(
    ada: Agent, portal: LoopbackPortal, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = os.open

    def refusing(path: str, *arguments: int) -> int:
        if str(path).endswith("013.tif"):
            raise PermissionError(13, "Permission denied")
        return really_open(path, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing)
        result = ada("send", many, "--json")
    assert result.code == 1
    assert [(entry["path"], entry["fault"]) for entry in result.document["failed"]] == [("013.tif", "unreadable")]
    assert result.document["verified"] == len(digests(many)) - 1
    assert portal.dataset.state == "open"
    assert ada("send", many).code == 0


def test_what_changes_while_the_portal_unpacks_is_sent_after_the_verdict(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    def change() -> None:
        (data / "one.tif").write_bytes(b"better")

    portal.faults = [Fault("GET", "/api/v1/bundles/", meanwhile=change, status=503)]
    assert ada("send", data, "--follow", "--idle", "1.5", "--stable", "0.1").code == 0
    assert stored(portal) == digests(data)


def test_a_corrupt_member_is_sent_again_by_itself(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    portal.corrupt_times = {"042.tif": 1, "é.tif": 1}
    result = ada("send", many)
    assert result.code == 0
    assert stored(portal) == digests(many)
    assert "042.tif: Read back with another digest. It is sent again." in result.err
    assert portal.received["042.tif"] == 2 * 42 * 160
    assert len(portal.bundles) == 1


def test_a_member_that_stays_corrupt_ends_with_its_own_code(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    portal.corrupt_times = {"042.tif": 99}
    assert ada("send", many).code == 6
    portal.corrupt_times = {}
    assert ada("send", many).code == 0
    assert stored(portal) == digests(many)


def test_a_refused_name_fails_with_the_reason_the_portal_gives_and_the_dataset_stays_open(
    ada: Agent, portal: LoopbackPortal, many: Path
) -> None:
    portal.refused_names = {"007.tif"}
    result = ada("send", many, "--json")
    assert result.code == 4
    (failure,) = result.document["failed"]
    assert (failure["path"], failure["reason"]) == ("007.tif", "This name is not possible here.")
    assert portal.dataset.state == "open"


def test_the_files_of_a_bundle_the_portal_cannot_unpack_go_one_by_one(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.unreadable_bundles = 1
    result = ada("send", data)
    assert result.code == 0
    assert "Its manifest cannot be read. Its files are sent one by one." in result.err
    assert stored(portal) == digests(data)


def test_the_files_of_a_bundle_the_portal_does_not_take_go_one_by_one(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.faults = [Fault("POST", "/tus/", status=422)]
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
    assert portal.bundles == []


def test_a_dataset_waits_for_the_verdict_on_its_bundles_before_it_is_closed(
    ada: Agent, portal: LoopbackPortal, data: Path, start: Callable[..., object]
) -> None:
    portal.unpacks = False
    process = start("send", data)
    deadline = time.monotonic() + 60
    while portal.asked("GET", "/api/v1/bundles/") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert portal.dataset.state == "open"
    portal.unpacks = True
    assert process.wait(timeout=60) == 0  # type: ignore[attr-defined]
    assert portal.dataset.state == "closed"


def test_while_an_instrument_writes_what_is_ready_goes_at_once(ada: Agent, portal: LoopbackPortal, many: Path) -> None:
    assert ada("send", many, "--follow", "--idle", "0.5", "--stable", "0.1").code == 0
    assert stored(portal) == digests(many)


def test_an_older_portal_gets_single_files(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.bundle_rules = None
    assert ada("send", data).code == 0
    assert stored(portal) == digests(data)
    assert portal.bundles == []
