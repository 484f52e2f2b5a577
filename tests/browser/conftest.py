"""A real Chromium. Pages are looked at wide and narrow, light and dark; pictures go to var/screenshots."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.browser.running_portal import Facility, facility_running

# Playwright runs an event loop in the test's thread: Django would take that for asynchronous code and refuse the
# database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(settings.BASE_DIR)
SCREENSHOTS = ROOT / "var" / "screenshots"
PICTURES = ROOT / "docs" / "images"
PICTURES_WANTED = bool(os.environ.get("LABCOURIER_PICTURES"))  # of every page, for a person to look at
PATIENCE = 60_000  # milliseconds: what a busy machine may need; Playwright's own five seconds are too few there
expect.set_options(timeout=PATIENCE)


class Look(NamedTuple):
    width: int
    scheme: Literal["light", "dark"]

    @property
    def label(self) -> str:
        return f"{self.width}-{self.scheme}"


LOOKS = [Look(1280, "light"), Look(1280, "dark"), Look(390, "light"), Look(390, "dark")]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not (ROOT / "assets/dist/app.css").exists():
        pytest.fail("The front end is not built: run `make setup`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE)
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages in a browser of their own. In the end none may have complained (scripts, security policy)."""
    with watched_pages(chromium) as open_one:
        yield open_one


@contextmanager
def watched_pages(chromium: Browser) -> Iterator[OpenPage]:
    complaints: list[str] = []
    contexts = []

    def open_one(look: Look = LOOKS[0], tolerate: str = "\0", **options: Any) -> Page:
        """``tolerate``: part of a complaint that the test brings about on purpose."""

        def complain(line: str) -> None:
            if tolerate not in line:
                complaints.append(line)

        context = chromium.new_context(
            viewport={"width": look.width, "height": 900},
            color_scheme=look.scheme,
            timezone_id="Europe/Rome",
            locale="en-GB",
            reduced_motion="reduce",
            **options,
        )
        be_patient(context)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: complain(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        return page

    try:
        yield open_one
    finally:
        for context in contexts:
            context.close()
    assert complaints == []


def be_patient(context: BrowserContext) -> None:
    context.set_default_timeout(PATIENCE)
    context.set_default_navigation_timeout(PATIENCE)


@pytest.fixture(scope="session")
def facility(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facility]:
    """A portal that runs, in the middle of a facility's work."""
    with facility_running(tmp_path_factory.mktemp("facility")) as running:
        yield running


SignIn = Callable[..., Page]


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """The cookies of those who have logged in: nobody has to do it twice."""
    return {}


@pytest.fixture
def sign_in(facility: Facility, open_page: OpenPage, sessions: dict[str, Any]) -> SignIn:
    """A page of the facility's portal, opened by somebody (None: nobody) who is logged in."""

    def as_person(person: str | None, address: str, look: Look = LOOKS[0], **options: Any) -> Page:
        if person and person not in sessions:
            door = open_page(base_url=facility.url)
            log_in(door, *facility.logins[person])
            sessions[person] = door.context.storage_state()
        state = sessions[person] if person else None
        page = open_page(look, base_url=facility.url, storage_state=state, **options)
        page.goto(address)
        return page

    return as_person


def log_in(page: Page, email: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)


def load_until(page: Page, shown: Locator, words: str) -> None:
    """Loads the page again until ``shown`` says ``words``: what does not update itself, and is written down a moment
    after the browser has what it asked for."""
    deadline = monotonic() + PATIENCE / 1000
    while not shown.count() or words not in shown.inner_text():
        assert monotonic() < deadline, f"{page.url} never said {words!r}"
        page.reload()


def put_on(page: Page, look: Look) -> None:
    """The same page in another window, or at night."""
    page.set_viewport_size({"width": look.width, "height": 900})
    page.emulate_media(color_scheme=look.scheme)


HOLD_STILL = """["htmx:config:request", "htmx:before:swap"].forEach((kind) =>
  document.addEventListener(kind, (event) => event.preventDefault()))"""


def require_usable(page: Page, name: str) -> None:
    """In every look: axe finds nothing, and nothing is wider than the window. ``name`` is that of the pictures.

    Live parts rest meanwhile: axe stumbles over an element that is replaced while it looks at it.
    """
    page.evaluate(HOLD_STILL)
    for look in LOOKS:
        put_on(page, look)
        if PICTURES_WANTED:
            take_picture(page, f"{name}-{look.label}")
        assert accessibility_faults(page) == [], look.label
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"too wide: {look.label}"


def take_picture(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def take_picture_for_documents(page: Page, name: str) -> None:
    """The upper part of a page, as a window would show it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    put_on(page, LOOKS[0])
    page.screenshot(path=PICTURES / f"{name}.png")
    require_small(PICTURES / f"{name}.png")


def require_small(picture: Path, most: int = 200_000) -> None:
    assert picture.stat().st_size < most, "a picture in the repository is that small"


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds wrong, one line each."""
    violations = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in violations]
