"""The main job in a real browser against a whole portal: an upload token, a real agent, links, downloads, the audit.

``handed_over`` does it once, from the instrument that is added to two people who have their links; the tests look at
what each person then sees.
"""

import csv
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from demo.handover import check_sums, link_in, mail_to, same_as_sent, unpack
from tests.browser.conftest import OpenPage, SignIn, load_until, log_in, watched_pages
from tests.browser.instrument_pc import MARKER, InstrumentPC
from tests.browser.running_portal import Facility

TITLE = "Fossil tooth, scan 3"
RITA, KARL = "rita@museum.example", "karl@museum.example"
MINUTE = 60_000  # milliseconds: what a busy machine may need for one step of the work behind a page


@dataclass(frozen=True)
class HandedOver:
    """A dataset's page, what was sent, and the links that two people were mailed."""

    dataset: str
    name: str
    sent: Path
    links: dict[str, str]


@pytest.fixture(scope="module")
def handed_over(
    facility: Facility, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HandedOver]:
    ada = InstrumentPC(tmp_path_factory.mktemp("ada"))
    with watched_pages(chromium) as open_page:
        page = open_page(base_url=facility.url)
        log_in(page, *facility.logins["alice"])
        add_instrument(page)
        ada.run(make_upload_token(page))
        follow_arrival(page, ada)
        name = page.locator("dl.facts code").inner_text().partition("/")[2]
        began = time.time()
        share(page, [RITA, KARL], days=3)
        mails = {who: mail_to(who, facility.var / "mail", after=began, dataset=TITLE) for who in (RITA, KARL)}
        links = {who: link_in(mail, facility.url) for who, mail in mails.items()}
        yield HandedOver(page.url, name, ada.data, links)


def add_instrument(page: Page) -> None:
    page.goto("/projects/x-ray/instruments/")
    page.get_by_role("link", name="Add an instrument").first.click()
    page.get_by_label("Name").fill("SkyScan 2214")
    page.get_by_role("button", name="Save the instrument").click()
    expect(page.get_by_role("row", name="SkyScan 2214")).to_be_visible()


def make_upload_token(page: Page) -> str:
    """The command that the page shows, this once."""
    page.get_by_role("link", name="Upload tokens", exact=True).click()
    page.get_by_role("link", name="Make an upload token").first.click()
    page.get_by_label("Label").fill("SkyScan, control PC")
    page.get_by_label("Instrument").select_option("SkyScan 2214")
    page.get_by_role("button", name="Make token").click()
    command = page.locator("#connect-command").inner_text()
    page.get_by_role("link", name="See all upload tokens").click()
    expect(page.get_by_role("row", name="SkyScan, control PC")).to_be_visible()
    assert command.split()[-1] not in page.content()
    return command


def follow_arrival(page: Page, ada: InstrumentPC) -> None:
    """From the first file to the release the page is loaded once."""
    for number in range(6):
        ada.write(f"projections/p{number:04}.tif", bytes([number]) * 300_000)
    agent = ada.start_sending(TITLE)
    try:
        wait_for_link(page, "/projects/x-ray/", TITLE).click()
        expect(page.get_by_role("heading", level=1, name=TITLE)).to_be_visible()
        page.evaluate("window.loadedOnce = true")
        arrival = page.locator("#panel-arrival")
        expect(arrival.get_by_text("Verified").locator("..")).to_contain_text("6 files", timeout=MINUTE)
        ada.write("reconstruction/Größe é.vol", b"volume" * 100_000)
        ada.write("empty.log", b"")
        ada.write(MARKER, b"")
        expect(page.locator("#dataset-state")).to_have_text("released", timeout=MINUTE)
        expect(arrival).to_contain_text("safe to delete at the source")
        assert page.evaluate("window.loadedOnce")
        assert agent.wait(120) == 0, ada.log.read_text()
    finally:
        agent.kill()
        agent.wait()


def wait_for_link(page: Page, address: str, name: str) -> Locator:
    deadline = time.monotonic() + MINUTE / 1000
    while time.monotonic() < deadline:
        page.goto(address)
        link = page.get_by_role("link", name=name)
        if link.count():
            return link
        time.sleep(0.3)
    raise AssertionError(f"{address} never showed {name}")


def share(page: Page, people: list[str], days: int) -> None:
    page.reload()
    page.get_by_role("link", name="Share with someone").click()
    page.get_by_label("E-mail addresses").fill("\n".join(people))
    page.get_by_label("Links work for (days)").fill(str(days))
    page.get_by_label("A few words").fill("The tooth you asked for.")
    page.get_by_role("button", name="Send links").click()
    for person in people:
        row = page.get_by_role("row", name=person)
        expect(row).to_contain_text("not opened")
        expect(row).to_contain_text("in 2 days")


def test_the_zip_downloaded_by_a_click_is_what_the_instrument_wrote(
    handed_over: HandedOver, open_page: OpenPage, sign_in: SignIn, tmp_path: Path
) -> None:
    page = open_page()
    page.goto(handed_over.links[RITA])
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(page.get_by_text("The tooth you asked for.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    download.value.save_as(tmp_path / "received.zip")
    received = unpack(tmp_path / "received.zip", tmp_path / "received")
    assert check_sums(received) == 8
    same_as_sent(received, handed_over.sent, {MARKER})
    dataset = sign_in("alice", handed_over.dataset)
    expect(dataset.locator("#panel-links").get_by_role("row", name=RITA)).to_contain_text("complete")
    expect(dataset.locator("#panel-receipts").get_by_role("row", name=RITA)).to_contain_text("complete")


def test_log_in_and_download_need_the_keyboard_only(
    handed_over: HandedOver, facility: Facility, open_page: OpenPage
) -> None:
    page = open_page(base_url=facility.url)
    page.goto("/accounts/login/")
    tab_to(page, "Email")
    page.keyboard.type(facility.logins["alice"][0])
    page.keyboard.press("Tab")
    page.keyboard.type(facility.logins["alice"][1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What needs you")).to_be_visible()
    for place in (handed_over.dataset, handed_over.links[RITA]):
        page.goto(place)
        tab_to(page, "Download all")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert download.value.suggested_filename == f"{handed_over.name}.zip"
        assert zipfile.is_zipfile(download.value.path())  # a page that closes ends its downloads


def tab_to(page: Page, label: str) -> None:
    """Presses Tab until what has the focus is called ``label``."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if label in (focused.evaluate("element => element.labels?.[0]?.innerText ?? element.innerText") or ""):
            return
    raise AssertionError(f"{label!r} cannot be reached by Tab")


def test_single_files_are_found_and_downloaded_without_script(
    handed_over: HandedOver, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(handed_over.links[RITA])
    page.get_by_role("link", name="reconstruction").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Größe é.vol").click()
    download.value.save_as(tmp_path / "volume")
    assert (tmp_path / "volume").read_bytes() == b"volume" * 100_000


def test_a_revoked_link_says_so_and_helps(handed_over: HandedOver, sign_in: SignIn, open_page: OpenPage) -> None:
    dataset = sign_in("alice", handed_over.dataset)
    dataset.get_by_role("link", name=f"Revoke link of {KARL}").click()
    expect(dataset.get_by_text(f"Revoking stops {KARL}")).to_be_visible()
    dataset.get_by_role("button", name="Revoke link").click()
    expect(dataset.get_by_role("row", name=KARL)).to_contain_text("revoked")
    page = open_page(tolerate="410")
    page.goto(handed_over.links[KARL])
    expect(page.get_by_role("heading", name="This link was taken back")).to_be_visible()
    expect(page.get_by_role("link", name="x-ray@biocentre.example")).to_be_visible()


def test_staff_see_who_took_it_and_that_the_mails_went_out(handed_over: HandedOver, sign_in: SignIn) -> None:
    audit = sign_in("sam", "/staff/audit/")
    audit.get_by_label("Who").fill(RITA)
    audit.get_by_label("Dataset").fill(handed_over.name)
    audit.get_by_role("button", name="Find events").click()
    load_until(audit, audit.get_by_role("row", name="downloaded everything as a zip").first, "complete")
    with audit.expect_download() as download:
        audit.get_by_role("link", name="Save as CSV").click()
    with Path(download.value.path()).open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["who"] for row in rows} == {RITA}
    mail = sign_in("sam", f"/staff/mail/?address={RITA}")
    expect(mail.get_by_role("row", name=RITA)).to_contain_text("sent")


def test_a_stranger_is_told_there_is_no_such_page(handed_over: HandedOver, sign_in: SignIn) -> None:
    page = sign_in("charlie", handed_over.dataset, tolerate="404")
    expect(page.get_by_text(TITLE)).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.request.get(handed_over.dataset).status == 404
