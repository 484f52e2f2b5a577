"""Files put into a dataset in a real browser: folders, a closed browser, a portal that stumbles, many small ones."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.browser.conftest import SignIn, require_usable
from tests.browser.running_portal import Facility

MINUTE = 60_000  # milliseconds
MB = 1_000_000


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "Run 7"
    for name, size in (("a.tif", 70_000), ("Säule 2/b.mrc", 3 * MB), ("Säule 2/empty.txt", 0)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return folder


def begin(page: Page, title: str) -> None:
    """From the project's page to the one that takes the files."""
    page.get_by_role("link", name="Upload files").click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Recipients").fill("curator@museum.example")
    page.get_by_role("button", name="Go on to the files").click()
    expect(page.get_by_role("heading", name=f"Files for “{title}”")).to_be_visible()
    expect(page.get_by_label("Files", exact=True)).to_be_visible()  # the script has begun


def verified(page: Page, count: int) -> None:
    expect(page.get_by_text(f"{count} of {count} files verified").first).to_be_visible(timeout=2 * MINUTE)


@pytest.mark.slow
def test_a_folder_is_sent_and_handed_over(facility: Facility, sign_in: SignIn, run: Path) -> None:
    page = sign_in("bob", "/projects/cryo-em/")
    begin(page, "A folder by browser")
    expect(page.get_by_role("button", name="Finish")).to_be_disabled()
    page.get_by_label("A folder with all that is in it").set_input_files(run)
    verified(page, 3)
    require_usable(page, "upload-files-verified")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("released").first).to_be_visible(timeout=2 * MINUTE)
    stored = next((facility.var / "files" / "cryo-em").glob("*a-folder-by-browser"))
    assert {path.relative_to(stored).as_posix() for path in stored.rglob("*") if path.is_file()} == {
        "Run 7/a.tif", "Run 7/Säule 2/b.mrc", "Run 7/Säule 2/empty.txt"
    }  # fmt: skip
    assert (stored / "Run 7/Säule 2/b.mrc").read_bytes() == (run / "Säule 2/b.mrc").read_bytes()


def arrived(page: Page, size: int) -> None:
    """Waits until so many bytes are said to have arrived. The page's policy lets no expression be evaluated in it."""
    for _ in range(2 * MINUTE // 200):
        if page.locator("#arrived-bar").evaluate("bar => bar.value") > size:
            return
        page.wait_for_timeout(200)
    raise AssertionError("too little arrived")


def slow_down(context: BrowserContext, page: Page, bytes_a_second: int) -> None:
    context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second},
    )


@pytest.mark.slow
def test_a_closed_browser_goes_on_where_it_stopped(sign_in: SignIn, tmp_path: Path) -> None:
    movie = tmp_path / "movie.mrc"
    movie.write_bytes(os.urandom(60 * MB))
    page = sign_in("bob", "/projects/cryo-em/", tolerate="503")
    begin(page, "A movie by browser")
    context, address = page.context, page.url
    slow_down(context, page, 8 * MB)
    page.get_by_label("Files", exact=True).set_input_files(movie)
    arrived(page, 20 * MB)
    page.close(run_before_unload=False)

    again = context.new_page()
    asked: list[tuple[str, str | None]] = []
    again.on("request", lambda request: note(asked, request))
    stumbles = [True]

    def stumble(route: Route) -> None:
        if route.request.method == "HEAD" and stumbles:
            stumbles.pop()
            route.fulfill(status=503)
        else:
            route.fallback()

    again.route("**/tus/*", stumble)
    again.goto(address)
    expect(again.get_by_text("choose the same files")).to_be_visible()
    again.get_by_label("Files", exact=True).set_input_files(movie)
    verified(again, 1)
    assert stumbles == []
    assert "POST" not in [method for method, _ in asked]
    first = next(offset for method, offset in asked if method == "PATCH")
    assert int(first or 0) > 10 * MB
    again.get_by_role("button", name="Finish").click()
    expect(again.get_by_text("released").first).to_be_visible(timeout=2 * MINUTE)


def note(asked: list[tuple[str, str | None]], request: Request) -> None:
    if "/tus/" in request.url:
        asked.append((request.method, request.headers.get("upload-offset")))


def test_a_name_that_cannot_be_stored_is_told_and_the_others_go(sign_in: SignIn, tmp_path: Path) -> None:
    for name in ("con.txt", "good.txt"):
        (tmp_path / name).write_bytes(name.encode())
    page = sign_in("bob", "/projects/cryo-em/", tolerate="422")
    begin(page, "A bad name by browser")
    page.get_by_label("Files", exact=True).set_input_files([tmp_path / "con.txt", tmp_path / "good.txt"])
    expect(page.get_by_text("reserved by Windows")).to_be_visible()
    expect(page.get_by_text("1 of 2 files verified").first).to_be_visible(timeout=2 * MINUTE)


@pytest.mark.slow
def test_many_files_work_and_the_better_way_is_told(sign_in: SignIn, tmp_path: Path) -> None:
    for number in range(1200):
        (tmp_path / f"tile_{number:04d}.txt").write_bytes(b"%d" % number)
    page = sign_in("bob", "/projects/cryo-em/")
    begin(page, "Many files by browser")
    page.get_by_label("A folder with all that is in it").set_input_files(tmp_path)
    expect(page.get_by_text("the agent sends thousands at once")).to_be_visible()
    expect(page.get_by_text("1\u202f200 of 1\u202f200 files verified").first).to_be_visible(timeout=5 * MINUTE)
    assert page.locator(".upload-row").count() <= 100
