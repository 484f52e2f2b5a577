"""Personal access tokens: made by the person they speak for, shown once, revoked for good."""

from datetime import datetime, timedelta

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.errors import Conflict, Forbidden
from portal.models import ACCESS_TOKEN_PREFIX, AccessToken
from portal.random_tokens import random_token, token_digest

MOST_TOKENS = 50  # that work, of one person


def make_access_token(
    *, actor: Actor, label: str, scope: str, lifetime: timedelta, now: datetime
) -> tuple[AccessToken, str]:
    """The token and its secret, which is stored nowhere: show it now or never. Raises Conflict for too many."""
    if actor.user is None:
        raise Forbidden("Only people make access tokens. Sign in.")
    if AccessToken.objects.filter(user=actor.user, revoked_at=None, expires_at__gt=now).count() >= MOST_TOKENS:
        raise Conflict(f"You have {MOST_TOKENS} tokens that work. Revoke one that is no longer used.")
    secret = random_token(ACCESS_TOKEN_PREFIX)
    with transaction.atomic():
        token = AccessToken.objects.create(
            user=actor.user,
            label=label,
            scope=scope,
            digest=token_digest(secret),
            created_at=now,
            expires_at=now + lifetime,
        )
        events.access_token_made(token, actor)
    return token, secret


def revoke_access_token(*, token: AccessToken, actor: Actor, now: datetime) -> None:
    """Programs that have it can do nothing more from the next request on. Revoking twice is revoking once."""
    with transaction.atomic():
        if AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            events.access_token_revoked(token, actor)
