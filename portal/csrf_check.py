"""A browser with a session must show its CSRF token to the JSON API and tus; their bodies are never parsed for it."""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from portal.errors import Forbidden

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class _CsrfCheck(CsrfViewMiddleware):
    """Tells the reason instead of showing a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def require_csrf_token(request: HttpRequest) -> None:
    """Raises Forbidden for a request that changes something without the token in its header."""
    if request.method in _SAFE_METHODS:
        return
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise Forbidden("Forms are not taken here. Send JSON, or a tus upload.")
    check = _CsrfCheck(lambda _: HttpResponse())
    check.process_request(request)
    reason = check.process_view(request, lambda _: HttpResponse(), (), {})
    if reason:
        raise Forbidden(f"The CSRF token is missing or old. Load the page again. ({reason})", code="csrf")
