"""Every mail that the portal writes, looked at wide and narrow, in light and dark, with a facility's real data."""

import re

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import (
    LOOKS,
    PICTURES_WANTED,
    OpenPage,
    accessibility_faults,
    put_on,
    take_picture,
)
from tests.browser.mails import KINDS, Mail, mails_of
from tests.browser.running_portal import Facility

FROM_ELSEWHERE = re.compile(r"<(?:img|link|script|iframe|object|video)\b|url\(|@import", re.IGNORECASE)
LEFT_OVER = re.compile(r"\{[{%]|(?<![\w-])None(?![\w-])|&(?:amp|lt|gt|quot|#x27);|<[a-z/]")
OF_WHOLE_PAGES = ("landmark-one-main", "page-has-heading-one", "region")  # rules for what is no part of a mail program
WIDEST_TEXT = 120  # characters of a line; addresses and commands may be longer


@pytest.fixture(scope="session")
def mails(facility: Facility) -> dict[str, Mail]:
    return mails_of(facility)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mail_can_be_read_by_everybody(mails: dict[str, Mail], open_page: OpenPage, kind: str) -> None:
    page = open_page()
    page.set_content(mails[kind].html)
    for look in LOOKS:
        put_on(page, look)
        if PICTURES_WANTED:
            take_picture(page, f"mail-{kind}-{look.label}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"too wide: {look.label}"
        assert is_lit_as(page, look.scheme), look.label
        if look in (LOOKS[0], LOOKS[-1]):
            faults = [fault for fault in accessibility_faults(page) if not fault.startswith(OF_WHOLE_PAGES)]
            assert faults == [], look.label


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_mail_fetches_nothing_and_its_text_is_as_good(mails: dict[str, Mail], kind: str) -> None:
    mail = mails[kind]
    assert FROM_ELSEWHERE.findall(mail.html) == []
    assert 'name="color-scheme" content="light dark"' in mail.html
    assert len(mail.subject) <= 120
    assert LEFT_OVER.findall(mail.text + mail.subject) == []
    wide = [line for line in mail.text.splitlines() if len(line) > WIDEST_TEXT and "://" not in line]
    assert wide == []
    assert set(addresses_in(mail.html)) <= set(addresses_in(mail.text))


def addresses_in(text: str) -> list[str]:
    """Of the portal's pages."""
    return re.findall(r"https?://127\.0\.0\.1:8000[^\s\"'<>]*", text)


def is_lit_as(page: Page, scheme: str) -> bool:
    """Whether the sheet and its letters are those of a light, or of a dark client."""
    shown = "getComputedStyle(document.querySelector('.sheet')).backgroundColor"
    red = int(re.findall(r"\d+", page.evaluate(shown))[0])
    return (red > 200) if scheme == "light" else (red < 60)
