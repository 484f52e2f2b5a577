"""Everything the portal refuses, each with its code, its status and a sentence; turned into HTML or JSON here alone.

PortalError
├── Invalid            422  what was sent makes no sense: which field, why, what to do
├── NotSignedIn        401
├── Forbidden          403
├── NotFound           404  also what one may not see
├── Conflict           409  the state does not allow it
├── Gone               410  was there, is over (expired, revoked, deleted)
├── TooLarge           413
├── Busy               423  somebody else writes there now
├── TooManyRequests    429
├── TryLater           503  a passing trouble of ours, with Retry-After
└── NoRoom             507

Rooms derive their own (``uploads.errors``, ``sharing.errors``) and set ``code``.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from redis.exceptions import ConnectionError as CacheUnreachable
from redis.exceptions import TimeoutError as CacheTimeout

log = structlog.get_logger(__name__)

MACHINE_PATHS = ("/api/", "/tus/", "/dav/")


class PortalError(Exception):
    """A refusal with a sentence for people (``message``) and a word for programs (``code``)."""

    status: ClassVar[int] = 500
    code: str = "error"
    title: ClassVar[str] = "That did not work"
    retry_after: int | None = None
    challenge: ClassVar[str] = ""  # how a program may identify itself (`WWW-Authenticate`)

    def __init__(self, message: str, *, code: str | None = None, **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.detail = detail

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "detail": self.detail}


class Invalid(PortalError):
    status, code, title = 422, "invalid", "Something in the request is not right"


class NotSignedIn(PortalError):
    status, code, title = 401, "not_signed_in", "Please sign in"


class Forbidden(PortalError):
    status, code, title = 403, "forbidden", "That is not yours to do"


class NotFound(PortalError):
    status, code, title = 404, "not_found", "There is nothing here"


class Conflict(PortalError):
    status, code, title = 409, "conflict", "That is not possible now"


class Gone(PortalError):
    status, code, title = 410, "gone", "This is over"


class TooLarge(PortalError):
    status, code, title = 413, "too_large", "That is too large"


class Busy(PortalError):
    status, code, title, retry_after = 423, "busy", "Somebody else is writing there", 2


class TooManyRequests(PortalError):
    status, code, title, retry_after = 429, "too_many_requests", "Please wait a moment", 60


class TryLater(PortalError):
    status, code, title, retry_after = 503, "try_later", "Please try again in a moment", 10


class NoRoom(PortalError):
    status, code, title = 507, "no_room", "The storage is full"


class ErrorMiddleware:
    """Turns a PortalError that leaves a view into its page or JSON.

    A cache that is down is a passing trouble, not a mistake: what counts tries, such as log-in, has to wait for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, CacheUnreachable | CacheTimeout):
            log.warning("cache_unreachable", path=request.path)
            error = TryLater("A part of the portal is being restarted. Nothing is lost; try again in a moment.")
        return error_response(request, error) if isinstance(error, PortalError) else None


def wants_json(request: HttpRequest) -> bool:
    """Where programs call, and where one says so at the address of a page or file."""
    accepted = request.headers.get("Accept", "")
    return request.path.startswith(MACHINE_PATHS) or ("application/json" in accepted and "text/html" not in accepted)


def error_response(request: HttpRequest, error: PortalError) -> HttpResponse:
    """The answer for ``error``: JSON where programs call, a page elsewhere."""
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(error.as_json(), status=error.status)
    else:
        response = render(request, "error.html", {"error": error}, status=error.status)
    add_hints(response, error)
    return response


def add_hints(response: HttpResponseBase, error: PortalError) -> None:
    """The headers that tell a program what to do next."""
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.challenge:
        response["WWW-Authenticate"] = error.challenge
