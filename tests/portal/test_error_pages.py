import pytest
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from portal.errors import Gone, error_response


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_need_nothing_but_themselves(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert "<h1>" in html
    assert "Labcourier" in html


def test_an_address_that_names_nothing_gets_our_page(client: Client, db: None) -> None:
    page = client.get("/no/such/page")
    assert page.status_code == 404
    assert "There is nothing here" in page.text


def test_a_refusal_shows_what_was_wrong_and_whom_to_ask() -> None:
    request: HttpRequest = RequestFactory().get("/s/abc")
    page = error_response(request, Gone("The link worked until 20 December 2026. Ask the sender to extend it."))
    html = page.content.decode()
    assert page.status_code == 410
    assert "Ask the sender to extend it." in html
    assert "help@localhost" in html
