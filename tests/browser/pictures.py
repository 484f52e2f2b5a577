"""Takes the pictures in docs/images again: `make pictures`. No test, so no ordinary run collects it."""

import pytest

from tests.browser.conftest import SignIn, take_picture_for_documents
from tests.browser.running_portal import Facility
from tests.browser.test_every_page import IN_DOCUMENTS, open_page_named


@pytest.mark.parametrize("name", IN_DOCUMENTS)
def test_picture_for_the_documents(facility: Facility, sign_in: SignIn, name: str) -> None:
    take_picture_for_documents(open_page_named(name, facility, sign_in), name)
