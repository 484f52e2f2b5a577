"""Takes the pictures in docs/images again: `make pictures`. No test, so no ordinary run collects it."""

from io import BytesIO

import pytest
from PIL import Image

from tests.browser.conftest import PICTURES, OpenPage, SignIn, require_small, take_picture_for_documents
from tests.browser.mails import lay_out, mails_of
from tests.browser.running_portal import Facility
from tests.browser.test_every_page import IN_DOCUMENTS, open_page_named


@pytest.mark.parametrize("name", IN_DOCUMENTS)
def test_picture_for_the_documents(facility: Facility, sign_in: SignIn, name: str) -> None:
    take_picture_for_documents(open_page_named(name, facility, sign_in), name)


def test_sheet_of_the_mails(facility: Facility, open_page: OpenPage) -> None:
    page = open_page()
    lay_out(page, mails_of(facility))
    shot = Image.open(BytesIO(page.locator("body").screenshot())).convert("RGB")
    shot.quantize(64, dither=Image.Dither.NONE).save(PICTURES / "mails.png", optimize=True)
    require_small(PICTURES / "mails.png", most=600_000)  # thirty mails that can be read
