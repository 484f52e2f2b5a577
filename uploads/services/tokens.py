"""Upload tokens: made by a manager, shown once, renewed by another, revoked for good."""

from datetime import datetime, timedelta

from django.db import transaction

from portal.actors import Actor
from portal.errors import Conflict, Forbidden, Invalid
from portal.models import Instrument, Project
from uploads import events
from uploads.models import UploadToken, new_token, token_digest


def make_token(
    *,
    project: Project,
    actor: Actor,
    label: str,
    instrument: Instrument | None,
    notification_emails: list[str],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[UploadToken, str]:
    """The token and its secret, which is stored nowhere: show it now or never. Raises Invalid."""
    if actor.user is None:
        raise Forbidden("Only people make upload tokens. Sign in.")
    if instrument and instrument.project_id != project.pk:
        raise Invalid("The instrument belongs to another project. Choose one of this project.")
    if expires_at and expires_at <= now:
        raise Invalid("The token would have expired already. Choose a later day, or none.")
    secret = new_token()
    with transaction.atomic():
        token = UploadToken.objects.create(
            project=project,
            instrument=instrument,
            label=label,
            digest=token_digest(secret),
            notification_emails=notification_emails,
            expires_at=expires_at,
            created_by=actor.user,
        )
        events.token_made(token, actor)
    return token, secret


def renew_token(
    *, token: UploadToken, actor: Actor, overlap: timedelta, expires_at: datetime | None, now: datetime
) -> tuple[UploadToken, str]:
    """Another secret for the same computers, and the token it belongs to; it may go on with what ``token`` began.

    The old one ends at once, or after ``overlap``, so that several computers can be changed over one by one.
    Raises Conflict for one that was renewed or revoked already, Invalid when the new one would have expired.
    """
    if actor.user is None:
        raise Forbidden("Only people renew upload tokens. Sign in.")
    if expires_at and expires_at <= now:
        raise Invalid("The token would have expired already. Choose a later day, or none.")
    secret = new_token()
    with transaction.atomic():
        old = UploadToken.objects.select_for_update(of=("self",)).get(pk=token.pk)
        _refuse_renewing(old)
        new = UploadToken.objects.create(
            project_id=old.project_id,
            instrument_id=old.instrument_id,
            label=old.label,
            digest=token_digest(secret),
            notification_emails=old.notification_emails,
            expires_at=expires_at,
            created_by=actor.user,
            replaces=old,
            family=old.family,
        )
        _end(old, now, overlap)
        events.token_renewed(new, actor, int(overlap.total_seconds()) // 3600)
    return new, secret


def _refuse_renewing(token: UploadToken) -> None:
    if UploadToken.objects.filter(replaces=token).exists():
        raise Conflict("This token was renewed already. Renew the newer one.")
    if token.revoked_at:
        raise Conflict("This token was revoked. Make a new one.")


def _end(token: UploadToken, now: datetime, overlap: timedelta) -> None:
    """An expired one stays expired."""
    if overlap:
        end = now + overlap
        token.expires_at = min(token.expires_at, end) if token.expires_at else end
    else:
        token.revoked_at = now
    token.save(update_fields=["expires_at", "revoked_at"])


def revoke_token(*, token: UploadToken, actor: Actor, now: datetime) -> None:
    """Its PCs can do nothing more from the next request on. Revoking twice is revoking once."""
    with transaction.atomic():
        if UploadToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            events.token_revoked(token, actor)
