"""Chromium goes on where a download stopped, by itself or when a person wants it; the file is the same to the byte."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import CHROMIUM, PATIENCE, be_patient
from tests.interop.cutting_line import CuttingLine, cutting_line
from tests.sharing.handover import Handover, handed_over, until

MIB = 2**20


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("var"), {"movie.mrc": 32 * MIB, "notes.txt": 99}) as handover:
        yield handover


@pytest.fixture(autouse=True)
def from_the_beginning(handover: Handover) -> None:
    handover.forget()


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """Of a browser that keeps a list of its downloads, as people's browsers do."""
    context = chromium.browser_type.launch_persistent_context(
        tmp_path / "profile",
        executable_path=CHROMIUM,
        args=["--no-sandbox"],
        accept_downloads=True,
        downloads_path=tmp_path / "downloads",
        timeout=PATIENCE,
    )
    be_patient(context)
    yield context.new_page()
    context.close()


def begin(page: Page, handover: Handover, line: CuttingLine) -> None:
    page.goto(f"http://127.0.0.1:{line.port}{handover.address}")
    with page.expect_download():
        page.get_by_role("link", name="Download all").click()


def sees_that_it_stopped(page: Page) -> None:
    """In the browser's own list, once the browser itself tries no longer."""
    page.goto("chrome://downloads")
    expect(page.get_by_role("gridcell", name="Failed - Network error")).to_be_visible()


def resume(page: Page) -> None:
    """As a person does."""
    page.locator("downloads-item #more-actions").click()
    page.locator("downloads-item").get_by_text("Resume", exact=True).click()


def is_whole(tmp_path: Path, handover: Handover) -> bool:
    whole = hashlib.sha256(handover.ask("GET", handover.zip, **{"User-Agent": "Slackbot"})[2]).digest()
    until(lambda: [file for file in (tmp_path / "downloads").iterdir() if file.suffix != ".crdownload"])
    (got,) = (tmp_path / "downloads").iterdir()
    return hashlib.sha256(got.read_bytes()).digest() == whole


def test_it_goes_on_by_itself_after_a_line_that_ended_twice(page: Page, handover: Handover, tmp_path: Path) -> None:
    with cutting_line(handover.portal.port, [12 * MIB, 9 * MIB], orderly=True) as line:
        begin(page, handover, line)
        assert is_whole(tmp_path, handover)
        assert line.cuts == 2
    until(lambda: handover.receipt()["state"] == "complete")
    assert handover.receipt()["requests"] == 3


def test_it_goes_on_where_it_was_after_the_server_was_killed(page: Page, handover: Handover, tmp_path: Path) -> None:
    with cutting_line(handover.portal.port, [], hold_at=12 * MIB) as line:
        begin(page, handover, line)
        assert line.holds.wait(60)
        handover.portal.kill()
        line.go_on.set()
        sees_that_it_stopped(page)
        handover.portal.start()
        handover.settle_killed()
        sent = handover.receipt()["bytes_sent"]
        assert 8 * MIB < sent < 32 * MIB
        before = line.carried
        resume(page)
        assert is_whole(tmp_path, handover)
        assert line.carried - before < 32 * MIB - 6 * MIB
    until(lambda: handover.receipt()["state"] == "complete")
