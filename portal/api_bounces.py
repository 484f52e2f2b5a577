"""Where a mail service, or a script behind a mail server, reports what could not be delivered: POST /api/v1/bounces."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema
from pydantic import ValidationError

from portal.bounce_reports import BounceReport, one_line, parse_report
from portal.errors import Invalid, NotFound, NotSignedIn, TooLarge
from portal.services.bounces import Noted, note_report
from portal.signatures import is_signed

MOST_BYTES = 2**20
MOST_REPORTS = 1000
MAIL = "message/rfc822"

router = Router(tags=["mail"])


class BounceIn(Schema):
    """`message_id` of our mail, with its angle brackets; `failed`: given up, `delayed`: still trying."""

    message_id: Annotated[str, Field(min_length=3, max_length=120)]
    action: Literal["failed", "delayed"] = "failed"
    status: Annotated[str, Field(max_length=20)] = ""
    reason: Annotated[str, Field(max_length=1000)] = "no reason was given"

    def report(self) -> BounceReport:
        reason = one_line(f"{self.status} {self.reason}")
        return BounceReport((one_line(self.message_id),), self.action == "failed", one_line(self.status), reason)


class BouncesIn(Schema):
    bounces: Annotated[list[BounceIn], Field(max_length=MOST_REPORTS)]


class BouncesOut(Schema):
    """How many reports were `noted`, were about an `unknown` mail, or came too `early` and should come again."""

    noted: int = 0
    unknown: int = 0
    early: int = 0


@router.post(
    "/bounces",
    response=BouncesOut,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": BouncesIn.model_json_schema(ref_template="#/components/schemas/{model}")
                },
                MAIL: {"schema": {"type": "string", "format": "binary", "description": "A report as RFC 3464 has it."}},
            },
        }
    },
)
def bounces(request: HttpRequest) -> BouncesOut:
    """Signed as [Standard Webhooks](https://www.standardwebhooks.com) says, with `LABCOURIER_BOUNCE_SECRET`."""
    now = timezone.now()
    body = _signed_body(request, now)
    reports = [_report_in(body)] if request.content_type == MAIL else _reports_in(body)
    counts = Counter(note_report(report=report, now=now) for report in reports)
    return BouncesOut(noted=counts[Noted.YES], unknown=counts[Noted.UNKNOWN], early=counts[Noted.EARLY])


def _signed_body(request: HttpRequest, now: datetime) -> bytes:
    if not settings.BOUNCE_SECRET:
        raise NotFound("This portal takes no reports here. Set LABCOURIER_BOUNCE_SECRET first.")
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
        raise TooLarge("Reports have at most 1 MiB. Send fewer at a time, and of a returned mail only its headers.")
    if not is_signed(settings.BOUNCE_SECRET, request.headers, request.body, now):
        raise NotSignedIn(
            "The signature does not fit. Sign id, time and body with LABCOURIER_BOUNCE_SECRET, and look at the clock.",
            code="signature_wrong",
        )
    return request.body


def _report_in(body: bytes) -> BounceReport:
    report = parse_report(body)
    if report is None:
        raise Invalid("This mail is no report that another could not be delivered (RFC 3464).")
    return report


def _reports_in(body: bytes) -> list[BounceReport]:
    try:
        told = BouncesIn.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
        raise Invalid(f"The request is not right: {problems}.") from error
    return [bounce.report() for bounce in told.bounces]
