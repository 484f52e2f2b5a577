"""What the portal says to this agent: token, version, clock, and whether large requests reach it."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from labcourier_agent import __version__
from labcourier_agent.doctor import Finding, fail, ok, until_failure, warn
from labcourier_agent.doctor_network import PATIENCE, Route
from labcourier_agent.durations import span_in_words
from labcourier_agent.exits import AccessRefused, AgentError
from labcourier_agent.portal_client import numbers_of
from labcourier_agent.progress import in_words
from labcourier_agent.settings import Portal
from labcourier_agent.upload import PATCH_BYTES
from labcourier_agent.wire import heard_from, open_http, read_json

TOKEN_SOON = timedelta(days=14)
SKEW_WARNS = 30.0
SKEW_FAILS = 300.0
RENEW = "Have a new token made on the portal's page of tokens, then run `labcourier connect` with it."
TOKEN_REMEDIES = {
    "token_unknown": "Copy the token again, whole, or have a new one made; then run `labcourier connect` with it.",
    "token_expired": RENEW,
    "token_revoked": RENEW,
}


class PortalExamination:
    """Used once. One connection; each step needs the one before."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._answer: dict[str, Any] = {}
        self._heard_at = datetime.now(UTC)
        self._date: str | None = None

    def findings(self) -> Iterator[Finding]:
        with open_http(self._portal.token, answer_within=PATIENCE) as http_client:
            yield from until_failure([self._token(http_client), self._details(), self._uploads(http_client)])

    def _token(self, http_client: httpx2.Client) -> Iterator[Finding]:
        address = f"{self._portal.url}/api/v1/connection"
        try:
            with heard_from(address):
                response = http_client.get(address)
            self._heard_at, self._date = datetime.now(UTC), response.headers.get("Date")
            self._answer = read_json(response)
            project = self._answer["project"]["name"]
        except AccessRefused as error:
            yield fail("token", error.sentence, TOKEN_REMEDIES.get(error.code, RENEW))
        except AgentError as error:
            yield fail("portal", error.sentence, "Check the address; if it is right, ask the portal's admins.")
        except (KeyError, TypeError):
            yield fail("portal", "something else than a portal answers", "Check the address.")
        else:
            yield self._lasting(str(project))

    def _lasting(self, project: str) -> Finding:
        text = self._answer.get("expires_at")
        if not text:
            return ok("token", f"opens project {project}, without an end")
        ends = datetime.fromisoformat(text)
        if ends - self._heard_at < TOKEN_SOON:
            return warn("token", f"opens project {project}, but ends on {ends:%Y-%m-%d %H:%M} UTC", RENEW)
        return ok("token", f"opens project {project}, until {ends:%Y-%m-%d}")

    def _details(self) -> Iterator[Finding]:
        yield self._version()
        yield self._clock()

    def _version(self) -> Finding:
        least, latest = self._answer.get("agent_version_min"), self._answer.get("agent_version_latest")
        if least and numbers_of(least) > numbers_of(__version__):
            return fail("version", f"this is {__version__}, the portal asks for {least}", "Update labcourier-agent.")
        if latest and numbers_of(latest) > numbers_of(__version__):
            return warn("version", f"this is {__version__}, {latest} exists", "Update labcourier-agent when it suits.")
        return ok("version", f"this is {__version__}, the portal is {self._answer.get('portal_version', 'unknown')}")

    def _clock(self) -> Finding:
        text = self._answer.get("server_time")
        there = datetime.fromisoformat(text) if text else parsedate_to_datetime(self._date) if self._date else None
        if there is None:
            return warn("clock", "the portal does not say what time it is", "Compare this clock with another one.")
        skew = (self._heard_at - there).total_seconds()
        said = f"{span_in_words(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the portal's"
        remedy = "Set this computer's clock right; best is a time service (NTP)."
        if abs(skew) >= SKEW_FAILS:
            return fail("clock", said, remedy)
        return warn("clock", said, remedy) if abs(skew) >= SKEW_WARNS else ok("clock", "as the portal's")

    def _uploads(self, http_client: httpx2.Client) -> Iterator[Finding]:
        endpoint = urljoin(f"{self._portal.url}/", str(self._answer["tus_endpoint"]))
        yield from until_failure([self._protocol(http_client, endpoint), iter([self._large_body(endpoint)])])

    def _protocol(self, http_client: httpx2.Client, endpoint: str) -> Iterator[Finding]:
        remedy = "Something in between may not let OPTIONS, HEAD and PATCH through: show this to the portal's admins."
        try:
            with heard_from(endpoint):
                response = http_client.request("OPTIONS", endpoint)
        except AgentError as error:
            yield fail("uploads", error.sentence, remedy)
            return
        versions = response.headers.get("Tus-Version", "")
        if "1.0.0" not in versions.split(","):
            yield fail("uploads", f"{endpoint} does not speak tus 1.0 (answered {response.status_code})", remedy)
        else:
            yield ok("uploads", f"{endpoint} speaks tus {versions}")
        if urlsplit(endpoint).netloc != urlsplit(self._portal.url).netloc:
            yield warn(
                "uploads",
                f"they go to {urlsplit(endpoint).netloc}, not to {urlsplit(self._portal.url).netloc}",
                "If that is not meant, the proxy does not pass the Host header on: tell the portal's admins.",
            )

    def _large_body(self, endpoint: str) -> Finding:
        """Announces a piece of the largest size to an upload that does not exist, and sends none of it.

        A portal answers at once that there is no such upload; a proxy that limits bodies answers 413, one that collects
        them before it passes them on answers nothing.
        """
        connection = Route.to(endpoint).open()
        path = f"{urlsplit(endpoint).path}{secrets.token_hex(16)}"
        try:
            connection.putrequest("PATCH", path, skip_accept_encoding=True)
            for name, value in self._piece_headers().items():
                connection.putheader(name, value)
            connection.endheaders()
            status = connection.getresponse().status
        except TimeoutError:
            return warn(
                "large uploads",
                "no answer before the body was sent: something in between collects whole requests",
                "Have the proxy stream uploads (nginx: proxy_request_buffering off): it is faster and resumes better.",
            )
        except (OSError, http.client.HTTPException) as error:
            remedy = "Something in between may limit requests: show this to the portal's admins."
            return warn("large uploads", f"the connection broke ({error})", remedy)
        finally:
            connection.close()
        if status == 413:
            remedy = "Have the proxy take bodies of any size (nginx: client_max_body_size 0)."
            return fail("large uploads", f"requests of {in_words(PATCH_BYTES)} are refused (413)", remedy)
        return ok("large uploads", f"requests of {in_words(PATCH_BYTES)} come through")

    def _piece_headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._portal.token}",
            "User-Agent": f"labcourier-agent/{__version__}",
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(PATCH_BYTES),
        }
