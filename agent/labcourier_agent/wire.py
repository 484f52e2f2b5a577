"""The HTTP connection to a portal, and what its answers and silences mean as errors of ours."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from labcourier_agent import __version__
from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.exits import (
    AccessRefused,
    AgentError,
    BadUsage,
    Busy,
    Conflict,
    Invalid,
    NoRoom,
    NotFound,
    Unreachable,
)

# An answer may wait for an fsync of a whole piece on a slow disk; a single write or read of a socket may not.
ANSWER_WITHIN = 120.0
SEND_WITHIN = 60.0
CONNECT_WITHIN = 15.0
LONGEST_RETRY_AFTER = 3600.0
PASSING = {408, 423, 425, 429}


def open_http(
    token: str | None,
    *,
    authorization: str = "",
    connections: int = 4,
    answer_within: float | None = None,
    bandwidth: Bandwidth | None = None,
) -> httpx2.Client:
    """A client that may be shared by threads. Redirects are not followed: the token goes nowhere unasked.

    `token`: None for addresses that have a secret in them; `authorization`: what is shown instead, if anything.
    `answer_within`: seconds, for a question a person waits for. Errors: BadUsage for a wrong LABCOURIER_TIMEOUT.
    """
    borne = silence_borne(os.environ)
    read = answer_within or borne or ANSWER_WITHIN
    shown = f"Bearer {token}" if token else authorization
    timeout = httpx2.Timeout(borne or SEND_WITHIN, connect=min(CONNECT_WITHIN, read), read=read, pool=None)
    return httpx2.Client(
        headers={"User-Agent": f"labcourier-agent/{__version__}"} | ({"Authorization": shown} if shown else {}),
        timeout=timeout,
        limits=httpx2.Limits(max_connections=connections + 2, max_keepalive_connections=connections + 2),
        follow_redirects=False,
        event_hooks={"request": [bandwidth.limit] if bandwidth else []},
    )


def silence_borne(environment: Mapping[str, str]) -> float | None:
    """Seconds after which a line on which nothing moves is given up, where the person chose so. Errors: BadUsage."""
    chosen = environment.get("LABCOURIER_TIMEOUT", "")
    if not chosen:
        return None
    if not chosen.isdecimal() or not int(chosen):
        raise BadUsage(f"LABCOURIER_TIMEOUT={chosen}: write whole seconds from 1 on, such as 30, or leave it out.")
    return float(chosen)


@contextmanager
def heard_from(address: str) -> Iterator[None]:
    """Raises Unreachable for whatever keeps an answer from arriving."""
    host = httpx2.URL(address).host
    try:
        yield
    except httpx2.ConnectError as error:
        if _caused_by(error, socket.gaierror):
            sentence = f"There is no address for {host} (or no name service): check the name."
            raise Unreachable(sentence, no_such_host=True) from error
        raise Unreachable(f"No connection to {host}: {_reason(error)}.") from error
    except httpx2.TimeoutException as error:
        raise Unreachable(f"No answer from {host} in time.") from error
    except httpx2.RequestError as error:
        raise Unreachable(f"The connection to {host} broke: {_reason(error)}.") from error


def raise_unless_ok(response: httpx2.Response) -> None:
    if response.status_code >= 300:
        raise _error_of(response)


def read_json(response: httpx2.Response) -> dict[str, Any]:
    """The object in a good answer. Errors: AgentError tree; Invalid when something else than the portal answers."""
    raise_unless_ok(response)
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Invalid(f"{response.request.url} does not answer as a Labcourier portal: check the address.")
    return document


def _error_of(response: httpx2.Response) -> AgentError:
    status = response.status_code
    code, sentence, detail = _said(response)
    if status in (401, 403):
        return AccessRefused(sentence, code=code, detail=detail)
    if status in (404, 410):
        return NotFound(sentence, code=code)
    if status == 409:
        return Conflict(sentence, code=code, detail=detail)
    if status == 507:
        return NoRoom(sentence, retry_after=_retry_after(response))
    if status in PASSING or status >= 500:
        return Busy(sentence, retry_after=_retry_after(response))
    return Invalid(sentence, code=code, detail=detail)


def _said(response: httpx2.Response) -> tuple[str, str, dict[str, Any]]:
    """Code, sentence and detail of an error; a proxy in between answers in its own way."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "message" not in document:
        return "", _bare_sentence(response), {}
    detail = document.get("detail")
    return str(document.get("code", "")), str(document["message"]), detail if isinstance(detail, dict) else {}


def _bare_sentence(response: httpx2.Response) -> str:
    answer = f"{response.status_code} {response.reason_phrase}".strip()
    if response.is_redirect:
        return f"{response.request.url.host} redirects to {response.headers.get('Location')}: use that address."
    return f"{response.request.url.host} answered {answer} to {response.request.method}."


def _retry_after(response: httpx2.Response) -> float:
    """Seconds, from the number or the date of RFC 9110 10.2.3; 0 when absent or not understood."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(value) if value.isdecimal() else parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
