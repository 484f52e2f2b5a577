"""The addresses by which somebody answers a request for more time from the mail, without logging in.

Each is for one request and one address, derived as share links are (`portal.link_tokens`) and stored nowhere. Its
"public id" is the request's number and a fingerprint of the address of whom it was asked.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.conf import settings
from django.urls import reverse

from portal.link_tokens import LinkTokens
from sharing.models import RenewalRequest

PREFIX = "lcr_"
TOKENS = LinkTokens(PREFIX, b"labcourier answer to a request for more time 1\0")
_NUMBER = 8  # bytes


def answer_address(request: RenewalRequest, address: str) -> str | None:
    """The whole address for the mail to `address`; None when the key of that time is no longer in the ring."""
    token = answer_token(request, address)
    return f"{settings.PORTAL_URL}{reverse('answer_renewal', args=[token])}" if token else None


def answer_token(request: RenewalRequest, address: str) -> str | None:
    return TOKENS.of(_public_id(request, address), request.key_id)


def opened_by(token: str) -> tuple[RenewalRequest, str] | None:
    """The request that `token` answers, and the address of whom it was asked. Cost: one query."""
    parts = TOKENS.split(token)
    if parts is None:
        return None
    number = int.from_bytes(urlsafe_b64decode(f"{parts[0]}==")[:_NUMBER])
    requests = RenewalRequest.objects.select_related("link__dataset__project", "link__dataset__instrument")
    request = requests.select_related("link__created_by").filter(pk=number).first() if number < 2**63 else None
    if request is None or not TOKENS.opens(parts[0], request.key_id, parts[1]):
        return None
    return next(((request, address) for address in request.asked_of if _public_id(request, address) == parts[0]), None)


def _public_id(request: RenewalRequest, address: str) -> str:
    told = hashlib.sha256(address.encode()).digest()
    return urlsafe_b64encode(request.pk.to_bytes(_NUMBER) + told[:_NUMBER]).decode().rstrip("=")
