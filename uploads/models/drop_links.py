"""Letting somebody outside send files in."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.link_tokens import new_public_id
from portal.models import Dataset, Instrument, Project


class DropLinkQuerySet(models.QuerySet["DropLink"]):
    def open(self, now: datetime) -> Self:
        return self.filter(expires_at__gt=now, revoked_at__isnull=True)


class DropLink(models.Model):
    """Whoever has it may send files into a project. What opens it is derived: no usable token is stored."""

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)
    key_id = models.CharField(max_length=8, editable=False, help_text="Which key of the ring signs it.")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="drop_links")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="drop_links"
    )
    title = models.CharField(max_length=200, help_text="What the files are for, as the visitor reads it.")
    message = models.TextField(blank=True, help_text="A few words to the visitor.")
    notify_emails = models.JSONField(default=list, help_text="Told when files have arrived.")
    password_hash = models.CharField(max_length=200, blank=True, editable=False)
    limit_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Of all that is sent with it.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DropLinkQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="drop_link_expires_after_it_was_made"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now


class Drop(models.Model):
    """One sending by a visitor: the dataset that it became, and who the visitor said to be."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, primary_key=True, related_name="drop")
    link = models.ForeignKey(DropLink, on_delete=models.PROTECT, related_name="drops")
    visitor_name = models.CharField(max_length=150)
    visitor_email = models.EmailField()

    def __str__(self) -> str:
        return f"{self.visitor_name} ({self.link})"
