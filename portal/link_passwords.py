"""The password that a link may have: said once on its page, or by programs in each request as HTTP Basic.

A browser is remembered in its session by a fingerprint of the link and of the password's hash: whoever changes the
password locks everybody out again. A program's right password is remembered for some minutes by a keyed digest, since
checking one is slow on purpose and a program may ask for thousands of files.
"""

import base64
import binascii
from dataclasses import dataclass

from django import forms
from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.client_address import client_address
from portal.guesses import note_wrong_guess, require_patience

_OPENED = "links_opened"
_REMEMBERED = 600  # seconds
_SALT = "labcourier link password 1"


@dataclass(frozen=True, slots=True)
class Lock:
    """`link` names it among all kinds of links, such as ``drop:12``; `password_hash` is "" where none is asked."""

    link: str
    password_hash: str


class PasswordForm(forms.Form):
    password = forms.CharField(
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Whoever gave you the link knows it.",
    )


def is_unlocked(request: HttpRequest, lock: Lock) -> bool:
    """Whether this browser has said the password, or this request brings it. Raises TooManyRequests for haste."""
    if not lock.password_hash:
        return True
    if request.session.get(_OPENED, {}).get(lock.link) == _fingerprint(lock):
        return True
    said = _basic_password(request)
    return said is not None and _is_right(request, lock, said)


def unlock(request: HttpRequest, lock: Lock, password: str) -> bool:
    """Whether the password is right; then this browser need not say it again. Raises TooManyRequests for haste."""
    if not _is_right(request, lock, password):
        return False
    request.session[_OPENED] = {**request.session.get(_OPENED, {}), lock.link: _fingerprint(lock)}
    return True


def _is_right(request: HttpRequest, lock: Lock, password: str) -> bool:
    known = f"link_password:{_fingerprint(lock, password)}"
    if cache.get(known):
        return True
    client = client_address(request)
    require_patience(lock.link, client)
    if not check_password(password, lock.password_hash):
        note_wrong_guess(lock.link, client)
        return False
    cache.set(known, 1, _REMEMBERED)
    return True


def _fingerprint(lock: Lock, password: str = "") -> str:
    """Under the portal's secret key: a copy of the cache or of the sessions helps nobody to guess."""
    return salted_hmac(_SALT, f"{lock.link}\0{lock.password_hash}\0{password}", algorithm="sha256").hexdigest()


def _basic_password(request: HttpRequest) -> str | None:
    """What stands behind the user's name (RFC 7617); the name may be any."""
    kind, _, coded = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        said = base64.b64decode(coded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return said.partition(":")[2]
