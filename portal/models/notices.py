from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.models.datasets import Dataset
from portal.models.work import Work, WorkQuerySet


class NoticeQuerySet(WorkQuerySet["Notice"]):
    def to_send(self) -> Self:
        return self.filter(state=Notice.State.DUE)

    def abandoned(self, now: datetime) -> Self:
        """Taken to be sent by somebody who has not been heard of since."""
        return self.filter(state=Notice.State.CLAIMED, leased_until__lte=now)


class Notice(Work):
    """The outbox row of one mail. The text is rendered when it is sent, so no usable link is stored here.

    ``body_began_at`` is set just before the mail server is given the text: until then a mail whose sender died is sent
    again, from then on only the server's answer tells, and without one the mail is ``uncertain``.
    """

    class State(models.TextChoices):
        DUE = "due", "due"
        CLAIMED = "claimed", "being sent"
        SENT = "sent", "sent"
        UNCERTAIN = "uncertain", "uncertain"
        FAILED = "failed", "failed"
        BOUNCED = "bounced", "sent back"
        DROPPED = "dropped", "no longer needed"

    UNDELIVERED = (State.FAILED, State.BOUNCED)  # the address or the text was refused, at once or later
    STUCK = (*UNDELIVERED, State.UNCERTAIN)  # until somebody of the staff decides

    kind = models.CharField(max_length=60, help_text="Which mail: a name in `portal.mails`.")
    subject_id = models.CharField(max_length=64, help_text="The row it is about, such as a share link's id.")
    slot = models.CharField(max_length=64, help_text="Which occasion: sent at most once for each.")
    to = models.EmailField()
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="notices")
    context = models.JSONField(default=dict, help_text="What the text needs besides the row; never a secret.")
    state = models.CharField(max_length=9, choices=State, default=State.DUE)
    can_wait = models.BooleanField(default=False, help_text="Goes after those that somebody waits for.")
    message_id = models.CharField(
        max_length=120, unique=True, help_text="Stable over tries, so a doubled mail is recognised."
    )
    subject_line = models.CharField(max_length=300, blank=True, default="", help_text="As last rendered.")
    last_error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    tried_at = models.DateTimeField(null=True, blank=True, help_text="When it was last taken to be sent.")
    body_began_at = models.DateTimeField(
        null=True, blank=True, help_text="When the mail server was first given the text, in the last try."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True, help_text="When a mail server's report was noted.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "-id"], name="notices_by_state"),
            models.Index(fields=["state", "can_wait", "id"], name="notices_by_turn"),
            models.Index(fields=["kind", "-id"], name="notices_by_kind"),
            models.Index(fields=["to", "-id"], name="notices_by_address"),
            models.Index(fields=["created_at"], name="notices_by_time"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["kind", "subject_id", "slot", "to"], name="notice_is_sent_once_for_its_occasion"
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(leased_until__isnull=False), name="notice_is_claimed_for_a_time"
            ),
            models.CheckConstraint(condition=~Q(state="sent") | Q(sent_at__isnull=False), name="sent_notice_says_when"),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "bounced", "uncertain"]) | ~Q(last_error=""),
                name="notice_in_trouble_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(state="bounced") | Q(bounced_at__isnull=False), name="bounced_notice_says_when"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"

    @property
    def as_of(self) -> datetime:
        """The moment for which its text is written: of the last try, so that staff read what was sent."""
        return self.tried_at or timezone.now()

    @property
    def is_sent(self) -> bool:
        """Then its text is only looked at, whether or not anybody needs it any more."""
        return self.state in (self.State.SENT, self.State.BOUNCED)

    @property
    def is_stuck(self) -> bool:
        return self.state in self.STUCK
