"""A drop link, from making it to the files that came by it: from a telephone, and by the keyboard alone."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look, OpenPage, SignIn, require_usable
from tests.browser.running_portal import Facility

MINUTE = 60_000  # milliseconds
TELEPHONE = Look(390, "light")
PASSWORD = "the grid box is blue"


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "scan 1.tif", tmp_path / "scan 2.tif"]
    for path in paths:
        path.write_bytes(os.urandom(400_000))
    return paths


def make_link(page: Page, title: str) -> str:
    """The address of a new link with a password, which the page offers to copy."""
    page.get_by_role("link", name="New drop link").first.click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make drop link").click()
    row = page.get_by_role("row").filter(has_text=title)
    return re.sub(r"^https?://[^/]+", "", row.locator("code, input").first.inner_text().strip())


@pytest.mark.slow
def test_somebody_outside_sends_files_from_a_telephone(
    facility: Facility, sign_in: SignIn, open_page: OpenPage, scans: list[Path]
) -> None:
    desk = sign_in("alice", "/projects/cryo-em/drop-links/")
    address = make_link(desk, "Scans of the clinic")
    phone = open_page(TELEPHONE, tolerate="Failed to load resource", base_url=facility.url)
    phone.goto(address)
    phone.get_by_label("Password").fill("a guess that is wrong")
    phone.get_by_role("button", name="Open the page").click()
    expect(phone.get_by_text("This is not the password of this link").first).to_be_visible()
    phone.get_by_label("Password").fill(PASSWORD)
    phone.get_by_role("button", name="Open the page").click()
    phone.get_by_label("Your name").fill("Karl Huber")
    phone.get_by_label("Your email").fill("k.huber@clinic.example")
    phone.get_by_role("button", name="Go on to the files").click()
    expect(phone.get_by_label("Files", exact=True)).to_be_visible()  # the script has begun
    phone.get_by_label("Files", exact=True).set_input_files(scans)
    expect(phone.get_by_text("2 of 2 files verified").first).to_be_visible(timeout=2 * MINUTE)
    require_usable(phone, "drop-files-verified")
    phone.get_by_role("button", name="Finish").click()
    expect(phone.get_by_role("heading", name="Thank you")).to_be_visible(timeout=2 * MINUTE)
    expect(phone.get_by_text("have arrived at Cryo-EM service and are verified")).to_be_visible(timeout=2 * MINUTE)
    stored = next((facility.var / "files" / "cryo-em").glob("*scans-of-the-clinic"))
    assert [(stored / path.name).read_bytes() for path in scans] == [path.read_bytes() for path in scans]

    desk.reload()
    row = desk.get_by_role("row").filter(has_text="Scans of the clinic")
    expect(row).to_contain_text("1 time")
    row.get_by_role("link", name="Revoke").click()
    desk.get_by_role("button", name="Revoke link").click()
    expect(desk.get_by_text("no longer works")).to_be_visible()
    phone.goto(address)
    expect(phone.get_by_text("ended by the people who made it")).to_be_visible()


def test_a_visitor_needs_no_mouse(facility: Facility, open_page: OpenPage, scans: list[Path]) -> None:
    page = open_page(base_url=facility.url)
    page.on("filechooser", lambda _: None)  # who asks only when the key is pressed may be too late for the dialog
    page.goto(facility.drop("open"))
    tab_to(page, "Your name")
    page.keyboard.type("Mei Tanaka")
    tab_to(page, "Your email")
    page.keyboard.type("mei@lab.example")
    tab_to(page, "Go on to the files")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Files", exact=True)).to_be_visible()
    tab_to(page, "Files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(scans)
    expect(page.get_by_text("2 of 2 files verified").first).to_be_visible(timeout=2 * MINUTE)
    tab_to(page, "Finish")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible(timeout=2 * MINUTE)


def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has this label or these words is in focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and name in words_on(focused.element_handle()):
            return
    raise AssertionError(f"Tab does not lead to {name!r}")


def words_on(element: object) -> list[str]:
    script = "e => [e.innerText || '', ...[...(e.labels || [])].map(label => label.innerText)].map(t => t.trim())"
    words: list[str] = element.evaluate(script)  # type: ignore[attr-defined]
    return words
