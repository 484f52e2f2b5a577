"""No token reaches a log, whichever way a line takes (promise P13)."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog
from django.test import Client
from structlog.stdlib import ProcessorFormatter

from portal.logs import RedactingFilter, redact, redact_event
from uploads.models import new_token


def test_tokens_of_links_uploads_and_passwords_are_cut_out() -> None:
    secret = new_token()
    for text in (
        f"GET /s/{secret}/files/a.tif",
        f"/drop/{secret}?x=1",
        f"/keep/{secret}",
        f"https://portal.example.org/accounts/password/reset/key/{secret}/",
        f"Authorization: Bearer {secret}",
        f"'{secret}'",
    ):
        assert secret[8:] not in redact(text)
    assert redact("GET /s/abc/files/a.tif 200") == "GET /s/…/files/a.tif 200"
    assert redact("/static/app.css /projects/em/") == "/static/app.css /projects/em/"


def test_fields_of_structured_lines_are_cut_too() -> None:
    event = redact_event(None, "info", {"request": "GET /s/abcdef", "code": 200, "path": "/s/abcdef/x.zip"})
    assert event == {"request": "GET /s/…", "code": 200, "path": "/s/…/x.zip"}


def test_plain_log_records_are_cut_with_their_arguments() -> None:
    record = logging.LogRecord("django", logging.WARNING, "", 0, "Not Found: %s", ("/s/abcdef",), None)
    RedactingFilter().filter(record)
    assert record.getMessage() == "Not Found: /s/…"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the portal's own handler writes."""
    (handler,) = [one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    former = handler.setStream(stream)
    yield stream
    handler.setStream(former)


def test_requests_leave_no_token_in_the_log(client: Client, db: None, written: io.StringIO) -> None:
    secret = new_token()
    client.get(f"/s/{secret}")
    client.get(f"/s/{secret}/x.zip", headers={"Referer": f"https://portal.example.org/s/{secret}"})
    client.get("/api/v1/connection", headers={"Authorization": f"Bearer {secret}"})
    client.get(f"/accounts/password/reset/key/1-{secret}/")
    structlog.get_logger("uploads").warning("odd", token=secret, nested=f"/s/{secret}")
    logging.getLogger("django.request").error("Internal Server Error: /s/%s", secret)
    assert written.getvalue().count("/s/…") >= 4
    assert secret[4:] not in written.getvalue()


def test_an_error_page_and_its_lines_show_no_token(client: Client, db: None, written: io.StringIO) -> None:
    answer = client.get("/s/lcu_abcdefghijkl/none")
    assert answer.status_code == 404
    assert "abcdefghijkl" not in answer.content.decode() + written.getvalue()


def test_a_trace_shows_no_token(written: io.StringIO) -> None:
    try:
        raise ValueError("no such link: /s/abcdefghijkl")
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error")
        structlog.get_logger("sharing").exception("broken")
    assert "ValueError" in written.getvalue()
    assert "abcdefghijkl" not in written.getvalue()
