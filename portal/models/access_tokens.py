"""The secret by which a person's own programs ask in their name."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

ACCESS_TOKEN_PREFIX = "lcp_"  # noqa: S105  (names the kind of secret, is none)


class AccessToken(models.Model):
    """Lets a person's programs see what the person may see. Only the digest of the secret is stored."""

    class Scope(models.TextChoices):
        READ = "read", "read"
        SHARE = "share", "read and share"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_tokens")
    label = models.CharField(max_length=100)
    scope = models.CharField(max_length=5, choices=Scope)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="access_token_expires_after_it_was_made"
            ),
            models.CheckConstraint(condition=Q(scope__in=["read", "share"]), name="access_token_has_a_known_scope"),
        ]

    def __str__(self) -> str:
        return self.label

    def state(self, now: datetime) -> str:
        """As `state_badge` knows it."""
        if self.revoked_at:
            return "revoked"
        return "active" if now < self.expires_at else "expired"
