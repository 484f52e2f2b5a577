from typing import ClassVar

from django.db import models

from portal.models.datasets import Dataset
from portal.models.work import Work, WorkQuerySet


class Notice(Work):
    """The outbox row of one mail. The text is rendered when it is sent, so no usable link is stored here."""

    class State(models.TextChoices):
        DUE = "due", "due"
        CLAIMED = "claimed", "being sent"
        SENT = "sent", "sent"
        UNCERTAIN = "uncertain", "uncertain"
        FAILED = "failed", "failed"
        DROPPED = "dropped", "no longer needed"

    kind = models.CharField(max_length=60, help_text="Which mail: a name in `portal.mails`.")
    subject_id = models.CharField(max_length=64, help_text="The row it is about, such as a share link's id.")
    slot = models.CharField(max_length=64, help_text="Which occasion: sent at most once for each.")
    to = models.EmailField()
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="notices")
    context = models.JSONField(default=dict, help_text="What the text needs besides the row; never a secret.")
    state = models.CharField(max_length=9, choices=State, default=State.DUE)
    message_id = models.CharField(
        max_length=120, unique=True, help_text="Stable over tries, so a doubled mail is recognised."
    )
    subject_line = models.CharField(max_length=300, blank=True, default="", help_text="As last rendered.")
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = WorkQuerySet["Notice"].as_manager()

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "not_before"], name="notices_to_send"),
            models.Index(fields=["to", "-id"], name="notices_by_address"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["kind", "subject_id", "slot", "to"], name="notice_is_sent_once_for_its_occasion"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"
