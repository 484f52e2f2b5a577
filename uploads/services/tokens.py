"""Upload tokens: made by a manager, shown once, revoked for good."""

from datetime import datetime

from django.db import transaction

from portal.actors import Actor
from portal.errors import Forbidden, Invalid
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


def revoke_token(*, token: UploadToken, actor: Actor, now: datetime) -> None:
    """Its PCs can do nothing more from the next request on. Revoking twice is revoking once."""
    with transaction.atomic():
        if UploadToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
            events.token_revoked(token, actor)
