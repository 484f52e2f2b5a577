"""The secret that lets an instrument's PCs send."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.models import Instrument, Project
from portal.random_tokens import random_token

TOKEN_PREFIX = "lcu_"  # noqa: S105  (names the kind of secret, is none)


def new_token() -> str:
    """A secret for an instrument PC."""
    return random_token(TOKEN_PREFIX)


class UploadToken(models.Model):
    """Lets an instrument's PCs send into one project. Only the digest of the secret is stored."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="upload_tokens")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="upload_tokens"
    )
    label = models.CharField(max_length=100, help_text="Where it is used, such as “Krios 2, control PC”.")
    replaces = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
        help_text="It may go on with what that token began.",
    )
    family = models.UUIDField(
        default=uuid.uuid4, editable=False, db_index=True, help_text="The same for a token and all that renew it."
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    notification_emails = models.JSONField(
        default=list, blank=True, help_text="Told when data are released, downloaded or damaged."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is revoked.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.CharField(max_length=45, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="upload_token_expires_after_it_was_made",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def is_usable(self, now: datetime) -> bool:
        return self.revoked_at is None and not self.is_expired(now)
