import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import OpenPage


@pytest.fixture
def live(live_server: LiveServer, settings: Settings, open_page: OpenPage) -> OpenPage:
    settings.ROOT_URLCONF = "tests.browser.live_part"

    def show(kind: str, **options: object) -> Page:
        page = open_page(**options)
        page.goto(f"{live_server.url}/pages/{kind}", wait_until="commit")  # some load themselves again at once
        return page

    return show


def test_a_live_part_updates_itself_until_it_is_done_and_says_so(live: OpenPage) -> None:
    page = live("counting")
    expect(page.locator("#part p")).to_have_text("3")
    expect(page.locator("#announcer")).to_have_text("3 done")
    expect(page.locator("[hx-get]")).to_have_count(0)


def test_a_live_part_keeps_what_it_showed_when_the_portal_fails(live: OpenPage) -> None:
    page = live("broken", tolerate="503")
    expect(page.locator("#connection-lost")).to_be_visible()
    expect(page.locator("#part p")).to_have_text("0")


def test_a_session_that_ended_is_not_drawn_into_the_page(live: OpenPage) -> None:
    page = live("logged_out")
    with page.expect_navigation(wait_until="commit"):
        pass
    expect(page.get_by_role("heading", name="Log in")).to_have_count(0)
