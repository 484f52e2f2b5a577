"""The tus endpoint: `/tus/` and `/tus/<id>`."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from dataplane.tus import TusProtocol
from dataplane.tus_messages import TusRequest, TusResponse, refused
from dataplane.upload_application import UploadRefused
from dataplane.wsgi_body import WsgiBody
from portal.actors import SYSTEM
from uploads.access import Sender, sender_of
from uploads.gate.tus import UploadsOfSender, as_refusals


@csrf_exempt  # a session's CSRF token is checked by `sender_of`, without reading the body
def endpoint(request: HttpRequest, upload_id: str | None = None) -> HttpResponse:
    """Nothing before this view may touch the body: it is read in pieces, straight from the server's input."""
    with WsgiBody(_environ(request), length=_body_length(request), idle_seconds=settings.UPLOAD_IDLE_SECONDS) as body:
        response = _answer(request, upload_id, body)
    answer = HttpResponse(response.body, status=response.status, headers=dict(response.headers))
    if not response.body:
        del answer["Content-Type"]
    return answer


def _answer(request: HttpRequest, upload_id: str | None, body: WsgiBody) -> TusResponse:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        application = UploadsOfSender(_sender(request), lambda new_id: _address(request, new_id))
    except UploadRefused as refusal:
        return refused(refusal)
    return TusProtocol(application).answer(TusRequest(str(request.method), headers, upload_id, body))


def _sender(request: HttpRequest) -> Sender:
    """OPTIONS tells what the server can do, to anybody."""
    if request.method == "OPTIONS":
        return Sender(SYSTEM)
    with as_refusals():
        return sender_of(request)


def _address(request: HttpRequest, upload_id: str) -> str:
    return request.build_absolute_uri(reverse("tus_upload", args=[upload_id]))


def _body_length(request: HttpRequest) -> int:
    """What is no number is refused by the protocol, with nothing read."""
    text = str(request.META.get("CONTENT_LENGTH", ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def _environ(request: HttpRequest) -> dict[str, object]:
    environ: dict[str, object] = request.META
    return environ
