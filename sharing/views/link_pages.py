"""What every address below `/s/` has in common: nobody keeps it, indexes it or is told of it, refusals help."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.errors import PortalError

LinkView = Callable[..., HttpResponseBase]

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def link_page(view: LinkView) -> LinkView:
    """GET and HEAD only; a refusal becomes a page that says what to do; the secret address leaks nowhere."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except PortalError as error:
            response = render(request, "sharing/refused.html", {"error": error}, status=error.status)
            if error.retry_after is not None:
                response["Retry-After"] = str(error.retry_after)
        for name, value in HEADERS.items():
            response[name] = value
        return response

    return guarded
