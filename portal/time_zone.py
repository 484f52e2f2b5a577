"""Times on pages are in the person's zone when they have set one."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.errors import MACHINE_PATHS
from portal.zones import zone_named


class PersonTimeZoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(MACHINE_PATHS):  # a session look-up would cost every upload a query
            return self.get_response(request)
        name = getattr(request.user, "time_zone", "") if request.user.is_authenticated else ""
        if not name:
            return self.get_response(request)
        with timezone.override(zone_named(name)):
            return self.get_response(request)
