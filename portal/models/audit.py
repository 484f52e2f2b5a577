from typing import ClassVar

from django.db import models


class AuditEvent(models.Model):
    """One thing that happened, with the identity copied in; chained by hash to the one before (``portal.audit``)."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64)
    actor = models.CharField("who", max_length=254)
    address = models.CharField("from where", max_length=45, blank=True)
    client = models.CharField(max_length=200, blank=True)
    project = models.CharField(max_length=40, blank=True)
    dataset_id = models.UUIDField(null=True)
    dataset = models.CharField(max_length=160, blank=True)
    subject = models.CharField("what", max_length=1100, blank=True)
    bytes = models.PositiveBigIntegerField(null=True)
    complete = models.BooleanField(null=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["kind", "-id"], name="audit_by_kind"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["project", "-id"], name="audit_by_project"),
            models.Index(fields=["dataset_id", "-id"], name="audit_by_dataset"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.kind} {self.subject}"


class AuditHead(models.Model):
    """The newest link of the chain: one row, locked by whoever adds the next."""

    hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=models.Q(id=1), name="audit_has_one_head"),
        ]

    def __str__(self) -> str:
        return self.hash
