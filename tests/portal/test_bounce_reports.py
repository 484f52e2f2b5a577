"""What mail servers say of mail that they could not deliver, as their reports come."""

import pytest

from portal.bounce_reports import parse_report
from tests.portal import bounce_samples as samples

SHAPES = {
    "postfix": (samples.POSTFIX, True, "5.1.1", "550 5.1.1 <rita@university.example>: no such person"),
    "exim": (samples.EXIM, True, "5.0.0", "5.0.0 552 mailbox is full (rita@university.example)"),
    "exchange": (
        samples.EXCHANGE,
        True,
        "5.1.10",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient rita@university.example not found by SMTP address lookup",
    ),
    "gmail": (
        samples.GMAIL,
        True,
        "5.1.1",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try 550 5.1.1 double-checking",
    ),
    "nothing returned": (samples.NOTHING_RETURNED, True, "5.1.1", "550-5.1.1 The email account"),
    "given up": (
        samples.POSTFIX_GIVEN_UP,
        True,
        "4.4.1",
        "4.4.1 connect to mx.university.example: timed out (rita@university.example)",
    ),
    "late": (samples.POSTFIX_LATE, False, "4.4.1", "4.4.1 no reason was given (rita@university.example)"),
    "other alphabets": (
        samples.POSTFIX_OTHER_ALPHABETS,
        True,
        "5.1.1",
        "550 5.1.1 no such person (ríta@university.example)",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_reports_of_every_shape_are_understood(shape: str, line_end: str) -> None:
    mail, failed, status, reason = SHAPES[shape]
    report = parse_report(mail.replace("\n", line_end).encode())
    assert report
    assert report.message_ids[0] == samples.OUR_ID
    assert (report.failed, report.status) == (failed, status)
    assert report.reason.startswith(reason)


NESTED = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n" for level in range(3000))


@pytest.mark.parametrize("mail", [NESTED, "Content-Type: message/rfc822\n\n" * 8000])
def test_a_mail_made_to_trouble_the_reader_is_no_report(mail: str) -> None:
    assert parse_report(mail.encode()) is None


@pytest.mark.parametrize("mail", [samples.DELIVERED, samples.ABSENT, "", "\0\xff", "Content-Type: message/rfc822\n\n"])
def test_what_reports_no_trouble_is_no_report(mail: str) -> None:
    assert parse_report(mail.encode("latin-1")) is None


def test_a_report_that_is_cut_off_is_understood_as_far_as_it_goes() -> None:
    for length in range(0, len(samples.GMAIL), 7):
        report = parse_report(samples.GMAIL[:length].encode())
        assert report is None or report.message_ids[0] == samples.OUR_ID


def test_what_no_database_takes_is_left_out() -> None:
    report = parse_report(samples.POSTFIX.replace("no such", "no\0 such").encode())
    assert report
    assert report.reason == "550 5.1.1 <rita@university.example>: no such person"
