"""A folder becomes a verified, closed dataset."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path

import pytest

from labcourier_agent import upload
from tests.agent.conftest import Agent
from tests.agent.loopback_portal import LoopbackPortal

MIB = 1024 * 1024


def digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def stored(portal: LoopbackPortal) -> dict[str, str | None]:
    assert all(file.state == "verified" for file in portal.dataset.files.values())
    return {path: file.actual for path, file in portal.dataset.files.items()}


def test_a_folder_arrives_whole_verified_and_closed(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    result = ada("send", data, "--title", "Run 7", "--to", "rita@example.org", "--json")
    assert result.code == 0, result.err
    assert stored(portal) == digests(data)
    assert portal.dataset.state == "closed"
    assert result.document["dataset"]["title"] == "Run 7"
    assert result.document["dataset"]["state"] == "closed"
    assert result.document["files"] == result.document["verified"] == 3
    assert result.document["bytes"] == 9000
    assert result.document["failed"] == []


def test_every_detail_reaches_the_portal(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    details = ["--description", "Best grid.", "--investigation", "EM-2026-4", "--name", "grid 3"]
    lists = ["--to", "rita@example.org", "--to", "bob@example.org", "--keyword", "cryo", "--keyword", "apoferritin"]
    assert ada("send", data, "--title", "Run 7", *details, *lists, "--meta", "voltage=300 kV").code == 0
    request = dict(portal.dataset.request)
    assert len(request.pop("client_key")) == 36
    assert request == {
        "title": "Run 7",
        "description": "Best grid.",
        "investigation": "EM-2026-4",
        "name": "grid 3",
        "recipients": ["rita@example.org", "bob@example.org"],
        "keywords": ["cryo", "apoferritin"],
        "metadata": {"voltage": "300 kV"},
    }


def test_the_title_is_the_folders_name_unless_given(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data).code == 0
    assert portal.dataset.request["title"] == "data"


def test_a_small_file_takes_one_request_that_states_its_digest(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data / "one.tif").code == 0
    assert [request for request in portal.requests if request[1].startswith("/tus/")] == [("POST", "/tus/")]
    assert portal.asked("POST", f"/api/v1/datasets/{portal.dataset.id}/files") - portal.asked(
        "POST", f"/api/v1/datasets/{portal.dataset.id}/files/query"
    ) == 1  # fmt: skip


def test_a_large_file_goes_in_parts_and_its_digest_is_stated_afterwards(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PATCH_BYTES", 4 * MIB)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "stack.mrc").write_bytes(bytes(range(256)) * 4096 * 9 + b"end")
    assert ada("send", folder).code == 0
    assert portal.asked("PATCH", "/tus/") == 3
    assert stored(portal) == digests(folder)
    assert portal.received == {"stack.mrc": 9 * MIB + 3}


def test_files_keep_their_names_and_folders_give_their_content(
    ada: Agent, portal: LoopbackPortal, data: Path, tmp_path: Path
) -> None:
    note = tmp_path / "notes.txt"
    note.write_text("good ice")
    assert ada("send", data, note).code == 0
    assert stored(portal).keys() == {"one.tif", "two größer.tif", "deep/er/empty.txt", "notes.txt"}


def test_two_files_that_would_get_one_name_are_refused_before_anything_is_sent(
    ada: Agent, portal: LoopbackPortal, data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.tif").write_text("another one")
    result = ada("send", data, other)
    assert result.code == 2
    assert f"{data / 'one.tif'} and {other / 'one.tif'} would both become one.tif" in result.err
    assert portal.datasets == {}


def test_ten_files_a_call_are_announced_and_asked_about_when_ten_is_the_most(
    ada: Agent, portal: LoopbackPortal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ledger", "announcer", "stock", "verdicts"):
        monkeypatch.setattr(f"labcourier_agent.{module}.BATCH", 10)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(35):
        (folder / f"{number:02}.tif").write_bytes(bytes([number]) * 100)
    assert ada("send", folder).code == 0
    assert stored(portal) == digests(folder)
    announced = portal.asked("POST", f"/api/v1/datasets/{portal.dataset.id}/files")
    asked = portal.asked("POST", f"/api/v1/datasets/{portal.dataset.id}/files/query")
    assert announced - asked == 4
    assert asked >= 4


def test_a_name_the_portal_writes_otherwise_is_followed(ada: Agent, portal: LoopbackPortal, tmp_path: Path) -> None:
    folder = tmp_path / "accents"
    folder.mkdir()
    (folder / unicodedata.normalize("NFD", "größe.tif")).write_text("decomposed")
    assert ada("send", folder).code == 0
    assert stored(portal).keys() == {unicodedata.normalize("NFC", "größe.tif")}


def test_data_go_to_stdout_and_messages_to_stderr(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    result = ada("send", data, "--title", "Run 7")
    assert result.out.splitlines() == [
        "2026-11-20_18.20.37-32-Run 7",
        f"{portal.url}/datasets/{portal.dataset.id}",
        "3 of 3 files verified (9.0 kB), closed",
    ]
    assert "dataset 2026-11-20_18.20.37-32-Run 7" in result.err


def test_the_log_file_has_every_file_and_never_the_token(ada: Agent, data: Path, tmp_path: Path) -> None:
    assert ada("send", data, "--log-file", tmp_path / "agent.log").code == 0
    log = (tmp_path / "agent.log").read_text()
    assert all(f"sent {name} (" in log for name in ("one.tif", "two größer.tif", "deep/er/empty.txt"))
    assert "lcu_" not in log


def test_a_rehearsal_lists_files_and_tells_the_portal_nothing(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    portal.requests.clear()
    result = ada("send", data, "--dry-run")
    assert result.code == 0
    assert sorted(result.out.splitlines()) == ["0\tdeep/er/empty.txt", "3000\tone.tif", "6000\ttwo größer.tif"]
    assert ada("send", data, "--dry-run", "--json").document == {
        "dry_run": True,
        "files": 3,
        "bytes": 9000,
        "continues": None,
    }
    assert portal.requests == []


def test_a_finished_dataset_sent_again_says_so_and_sends_nothing(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    assert ada("send", data).code == 0
    portal.requests.clear()
    again = ada("send", data)
    assert again.code == 0
    assert "verified before, and nothing has changed" in again.err
    assert [method for method, _ in portal.requests] == ["GET"]


def test_a_finished_dataset_with_changes_says_how_to_send_them(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data).code == 0
    (data / "one.tif").write_bytes(b"better")
    (data / "three.tif").write_bytes(b"three")
    again = ada("send", data)
    assert again.code == 4
    assert "New or changed since this was sent: 2." in again.err
    assert "--new" in again.err
    assert len(portal.datasets) == 1


def test_new_makes_another_dataset_of_everything(ada: Agent, portal: LoopbackPortal, data: Path) -> None:
    assert ada("send", data).code == 0
    (data / "three.tif").write_bytes(b"three")
    assert ada("send", data, "--new").code == 0
    first, second = portal.datasets.values()
    assert (len(first.files), len(second.files)) == (3, 4)
    assert ada("send", data).code == 0


def test_the_same_command_is_known_whatever_its_transfers_and_order(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    note = data.parent / "notes.txt"
    note.write_text("good ice")
    assert ada("send", data, note, "--title", "Run 7").code == 0
    assert ada("send", note, data, "--title", "Run 7", "--transfers", "1", "--json").code == 0
    assert len(portal.datasets) == 1


def test_sixteen_transfers_at_once_lose_nothing(ada: Agent, portal: LoopbackPortal, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.tif").write_bytes(str(number).encode() * number)
    assert ada("send", folder, "--transfers", "16").code == 0
    assert stored(portal) == digests(folder)


def test_a_newer_agent_is_told_of_once_and_an_older_one_not_at_all(
    ada: Agent, portal: LoopbackPortal, data: Path
) -> None:
    portal.agent_version_latest = "0.0.9"
    assert "available" not in ada("send", data, "--title", "First").err
    portal.agent_version_latest = "97.1"
    result = ada("send", data, "--title", "Second")
    assert result.code == 0
    assert result.err.count("Agent 97.1 is available, this is 0.1.0: update labcourier-agent") == 1
