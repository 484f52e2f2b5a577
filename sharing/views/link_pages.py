"""What every address below `/s/` has in common."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from portal.views.link_pages import LinkView, secret_address
from sharing.errors import PasswordWanted


def link_view(*methods: str) -> Callable[[LinkView], LinkView]:
    """Only `methods`; refusals as pages. Browsers say a password on the link's page, programs in each request."""
    secret = secret_address(*methods, refused="sharing/refused.html")

    def decorate(view: LinkView) -> LinkView:
        @secret
        @wraps(view)
        def asking(request: HttpRequest, token: str, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                return view(request, token, *args, **kwargs)
            except PasswordWanted:
                if "text/html" in request.headers.get("Accept", ""):
                    return redirect("link", token)
                raise

        return asking

    return decorate


link_page = link_view("GET", "HEAD")
