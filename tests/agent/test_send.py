"""A folder becomes a verified, closed dataset."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

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
