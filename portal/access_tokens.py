"""Who a program speaks for: a personal access token in the Authorization header, as Bearer or as Basic.

Basic is for programs that know nothing else, such as WebDAV: the e-mail address as user, the token as password.
A right token is never slowed. Wrong ones are: after a few from one client the answer is 429, whatever it tries.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from portal.access import signed_in_actor
from portal.actors import Actor
from portal.client_address import client_address
from portal.csrf_check import require_csrf_token
from portal.errors import Forbidden, NotSignedIn
from portal.guesses import note_wrong_guess, require_patience
from portal.models import ACCESS_TOKEN_PREFIX, AccessToken, User
from portal.random_tokens import token_digest

MemberView = Callable[..., HttpResponseBase]

_USE_NOTED_EVERY = timedelta(minutes=1)


def person_of(request: HttpRequest) -> User | None:
    """The person whose token the request shows; None without one or with one that does not work.

    Raises TooManyRequests for a client that guesses. Cost: one query, and one UPDATE a minute.
    """
    try:
        return access_token_of(request).user
    except NotSignedIn:
        return None


def access_token_of(request: HttpRequest) -> AccessToken:
    """The token that the request shows, with its person.

    Raises NotSignedIn (`not_signed_in`, `token_unknown`, `token_revoked`, `token_expired`) or TooManyRequests.
    """
    email, secret = _shown(request)
    token = AccessToken.objects.select_related("user").filter(digest=token_digest(secret)).first()
    if token is None or (email and email != token.user.email):
        client = client_address(request)
        require_patience(f"access token from {client}", client)
        note_wrong_guess(f"access token from {client}", client)
        raise NotSignedIn("This access token is not known. Check that it was copied whole.", code="token_unknown")
    _refuse_dead(token, now := timezone.now())
    _note_use(token, client_address(request), now)
    return token


def member_of(request: HttpRequest) -> Actor:
    """The person who asks the JSON API: by an access token, or logged in. Raises as `access_token_of`, Forbidden.

    A token that only reads changes nothing; a session needs its CSRF token for that.
    """
    if request.headers.get("Authorization"):
        return _actor_by_token(request)
    if not request.user.is_authenticated:
        raise NotSignedIn(f"Send an access token as `Authorization: Bearer {ACCESS_TOKEN_PREFIX}…`, or sign in.")
    require_csrf_token(request)
    return signed_in_actor(request)


def for_members(view: MemberView) -> MemberView:
    """A page for whoever is logged in, also for a person's programs that show an access token."""
    logged_in = login_required(view)

    @wraps(view)
    def asking(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.headers.get("Authorization"):
            request.user = access_token_of(request).user
            return view(request, *args, **kwargs)
        return logged_in(request, *args, **kwargs)

    return asking


def reader_of(request: HttpRequest) -> Actor:
    """As `member_of`, for addresses that change nothing although programs ask them by POST."""
    if request.headers.get("Authorization"):
        return _actor(request, access_token_of(request))
    return member_of(request)


def _actor_by_token(request: HttpRequest) -> Actor:
    token = access_token_of(request)
    if request.method not in ("GET", "HEAD", "OPTIONS") and token.scope != AccessToken.Scope.SHARE:
        raise Forbidden(
            "This access token may only read. Make one that may also share, on the page “Access tokens”.",
            code="token_reads_only",
        )
    return _actor(request, token)


def _actor(request: HttpRequest, token: AccessToken) -> Actor:
    """The person; the client's name tells the audit which token was used."""
    client = f"token “{token.label}”, {request.headers.get('User-Agent', '')}"[:200]
    return Actor.of_user(token.user, client_address(request), client)


def _shown(request: HttpRequest) -> tuple[str, str]:
    """E-mail address, empty for Bearer, and secret. Raises NotSignedIn."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    email, secret = "", credentials.strip()
    if scheme.lower() == "basic":
        email, secret = _of_basic(secret)
    elif scheme.lower() != "bearer":
        secret = ""
    if not secret:
        raise NotSignedIn(
            f"Send an access token: as `Authorization: Bearer {ACCESS_TOKEN_PREFIX}…`, or as the password "
            "that belongs to your e-mail address."
        )
    return email, secret


def _of_basic(credentials: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotSignedIn("The Authorization header is not readable. Send user and password by HTTP Basic.") from error
    return user.strip().lower() or "nobody", password


def _refuse_dead(token: AccessToken, now: datetime) -> None:
    if not token.user.is_active:
        raise NotSignedIn("This account is switched off. Ask the facility's staff.", code="token_revoked")
    if token.revoked_at:
        raise NotSignedIn(
            "This access token was revoked. Make a new one on the page “Access tokens”.", code="token_revoked"
        )
    if token.expires_at <= now:
        raise NotSignedIn(
            "This access token has expired. Make a new one on the page “Access tokens”.", code="token_expired"
        )


def _note_use(token: AccessToken, address: str, now: datetime) -> None:
    if token.last_used_at is None or now - token.last_used_at >= _USE_NOTED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_from=address)
