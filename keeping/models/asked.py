"""Who was told that a dataset will be deleted, and what they said."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from keeping.models.keepings import Keeping
from portal.link_tokens import new_public_id

WARNING = "deletion-warning"  # the mail by which they are told


class AskedPerson(models.Model):
    """Somebody who was warned of a deletion. What opens their page is derived (``keeping.answer_links``)."""

    class Role(models.TextChoices):
        MANAGER = "manager", "manager"
        OWNER = "owner", "owner"
        RECIPIENT = "recipient", "recipient"

    class Answer(models.TextChoices):
        NONE = "", "nothing yet"
        KEEP = "keep", "keep it longer"
        DELETE = "delete", "it may be deleted"

    DECIDE = (Role.MANAGER, Role.OWNER)  # one of them has to know before anything is deleted

    keeping = models.ForeignKey(Keeping, on_delete=models.CASCADE, related_name="asked")
    email = models.EmailField()
    role = models.CharField(max_length=9, choices=Role)
    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)
    deletion_at = models.DateTimeField(null=True, blank=True, help_text="The deletion of which they were told last.")
    key_id = models.CharField(max_length=8, editable=False, help_text="Which key of the ring signs it.")
    answer = models.CharField(max_length=6, choices=Answer, blank=True, default=Answer.NONE)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["keeping", "email"], name="person_is_asked_once_about_a_dataset"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="answer_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} about {self.keeping}"
