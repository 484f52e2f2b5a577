"""What every address with a secret in it has in common: nobody keeps it, indexes it or is told of it, refusals help."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from portal.errors import PortalError, add_hints, error_response, wants_json

LinkView = Callable[..., HttpResponseBase]

HEADERS = {
    # Other sites are told nothing. "no-referrer" would also hide from this one where its own forms come from: browsers
    # then send "Origin: null", which the guard against forged requests refuses.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


def secret_address(*methods: str, refused: str) -> Callable[[LinkView], LinkView]:
    """Only ``methods``; a refusal becomes the page ``refused``, which says what to do; the address leaks nowhere."""

    def decorate(view: LinkView) -> LinkView:
        @require_http_methods(list(methods))
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                response = view(request, *args, **kwargs)
            except PortalError as error:
                response = _refusal(request, error, refused)
            for name, value in HEADERS.items():
                response[name] = value
            return response

        return guarded

    return decorate


def _refusal(request: HttpRequest, error: PortalError, refused: str) -> HttpResponseBase:
    if wants_json(request):
        return error_response(request, error)
    response = render(request, refused, {"error": error}, status=error.status)
    add_hints(response, error)
    return response
