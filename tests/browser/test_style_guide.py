import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import LOOKS, Look, OpenPage, accessibility_faults, take_picture
from tests.browser.style_guide import COMMAND, NOW


@pytest.fixture
def guide(live_server: LiveServer, settings: Settings, open_page: OpenPage) -> OpenPage:
    settings.ROOT_URLCONF = "tests.browser.style_guide"

    def show(look: Look = LOOKS[0], **options: object) -> Page:
        page = open_page(look, **options)
        page.clock.set_fixed_time(NOW)
        page.goto(live_server.url)
        return page

    return show


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.label)
def test_every_part_of_a_page_can_be_read_by_everybody(guide: OpenPage, look: Look) -> None:
    page = guide(look)
    take_picture(page, f"style-guide-{look.label}")
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_times_are_shown_in_the_zone_of_the_browser(guide: OpenPage) -> None:
    expect(guide().locator("time").first).to_have_text("20 Nov 2026, 19:20 (15 hours ago)")


def test_the_page_can_be_read_without_script(guide: OpenPage) -> None:
    page = guide(java_script_enabled=False)
    expect(page.locator("time").first).to_contain_text("20 Nov 2026, 18:20 UTC")
    expect(page.get_by_role("button", name="Copy command")).to_have_count(1)  # the sample button, not the script's


def test_a_command_is_copied_whole(guide: OpenPage) -> None:
    page = guide(permissions=["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == COMMAND


def test_the_menu_closes_by_escape_and_gives_the_focus_back(guide: OpenPage) -> None:
    page = guide()
    page.get_by_text("Sam", exact=True).click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.locator("details.menu summary")).to_be_focused()


def test_the_error_summary_has_the_focus_and_leads_to_the_field(guide: OpenPage) -> None:
    page = guide()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_role("link", name="E-mail address").click()
    expect(page.locator("#wrong_email")).to_be_focused()
