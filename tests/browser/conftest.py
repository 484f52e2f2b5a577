"""A real Chromium. Pages are looked at wide and narrow, light and dark; pictures go to var/screenshots."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

# Playwright runs an event loop in the test's thread: Django would take that for asynchronous code and refuse the
# database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

CHROMIUM = "/usr/bin/chromium"
ROOT = Path(settings.BASE_DIR)
SCREENSHOTS = ROOT / "var" / "screenshots"


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
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages in a browser of their own. In the end none may have complained (scripts, security policy)."""
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
            **options,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda line: complain(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def take_picture(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds wrong, one line each."""
    violations = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {[node['target'] for node in fault['nodes']]}" for fault in violations]
