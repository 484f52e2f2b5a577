"""Who may take what, until when."""

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from portal.link_tokens import new_public_id
from portal.models import Dataset


class Way(models.TextChoices):
    """How data may be taken. Looking at the list of files and its checksums is always possible."""

    ZIP = "zip", "as a zip, whole or in part"
    FILES = "files", "file by file, also with programs"
    COPY = "copy", "as a copy in a project of the recipient’s own"
    PUSH = "push", "by sending them to storage of the recipient’s"


def all_ways() -> list[str]:
    return list(Way.values)


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    def open(self, now: datetime) -> Self:
        """Usable at `now`, as far as the link itself goes (see `sharing.access` for the rest)."""
        return self.filter(starts_at__lte=now, expires_at__gt=now, revoked_at__isnull=True)

    def untaken(self) -> Self:
        """Nothing was taken with it; the page may have been opened."""
        return self.filter(state__in=ShareLink.UNTAKEN)

    def expiry_to_note(self, now: datetime) -> Self:
        """Ran out and nobody has written that down yet."""
        return self.filter(expires_at__lte=now, revoked_at__isnull=True, expiry_noted_at__isnull=True)


class ShareLink(models.Model):
    """One dataset for one recipient. What opens it is derived (`sharing.links`): no usable token is stored."""

    class State(models.TextChoices):
        NOT_OPENED = "not_opened", "not opened"
        OPENED = "opened", "opened"
        STARTED = "started", "started"
        PARTIAL = "partial", "partial"
        COMPLETE = "complete", "complete"
        VERIFIED = "verified", "verified"

    class Answer(models.TextChoices):
        NONE = "", "nothing"
        HAS_IT = "has_it", "says they have it"
        NOT_THEIRS = "not_theirs", "says it is not theirs"
        NO_REMINDERS = "no_reminders", "wants no reminders"

    UNTAKEN: ClassVar[tuple[State, ...]] = (State.NOT_OPENED, State.OPENED)
    WHOLE: ClassVar[tuple[State, ...]] = (State.COMPLETE, State.VERIFIED)

    public_id = models.CharField(max_length=22, unique=True, default=new_public_id, editable=False)
    key_id = models.CharField(max_length=8, editable=False, help_text="Which key of the ring signs it.")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="share_links")
    recipient = models.EmailField()
    occasion = models.CharField(
        max_length=64, editable=False, help_text="`release`, or the form by which somebody shared it."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    created_by_label = models.CharField(max_length=254, editable=False, help_text="As the audit names them.")
    message = models.TextField(blank=True, help_text="A few words to the recipient.")
    created_at = models.DateTimeField(auto_now_add=True)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    expiry_noted_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.CharField(max_length=254, blank=True, editable=False)

    password_hash = models.CharField(max_length=200, blank=True, default="", editable=False)
    ways = models.JSONField(default=all_ways, help_text="Those of `Way` that are allowed.")
    most_downloads = models.PositiveIntegerField(null=True, blank=True, help_text="As `services.takings` counts them.")
    downloads = models.PositiveIntegerField(default=0, editable=False, help_text="Begun, in however many requests.")
    file_rounds = models.PositiveIntegerField(
        default=0, editable=False, help_text="How often some single file was taken; each round is one download."
    )

    state = models.CharField(max_length=10, choices=State, default=State.NOT_OPENED, editable=False)
    opened_at = models.DateTimeField(null=True, editable=False, help_text="Weak: a program may have looked at it.")
    first_taken_at = models.DateTimeField(null=True, editable=False)
    last_taken_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    taken_by = models.JSONField(default=list, editable=False, help_text="The ways in which it was used, in words.")
    files_complete = models.PositiveIntegerField(default=0, editable=False, help_text="Single files taken whole.")
    verified_at = models.DateTimeField(null=True, editable=False, help_text="The recipient's program said so.")
    files_verified = models.PositiveIntegerField(default=0, editable=False, help_text="Of the files taken whole.")

    answer = models.CharField(
        max_length=12,
        choices=Answer,
        blank=True,
        default=Answer.NONE,
        editable=False,
        help_text="What the recipient said, from the mail or the page; then nobody reminds them.",
    )
    answered_at = models.DateTimeField(null=True, editable=False)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ["recipient", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["dataset", "recipient"], name="links_of_a_dataset"),
            models.Index(fields=["recipient", "-id"], name="links_by_recipient"),
            models.Index(
                fields=["expires_at"],
                condition=Q(revoked_at__isnull=True, expiry_noted_at__isnull=True),
                name="links_that_will_expire",
            ),
            models.Index(
                fields=["starts_at"],
                condition=Q(revoked_at__isnull=True, state__in=["not_opened", "opened"]),
                name="links_nothing_was_taken_with",
            ),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["dataset", "recipient", "occasion"], name="recipient_gets_one_link_for_an_occasion"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("starts_at")), name="link_expires_after_it_starts"),
            models.CheckConstraint(
                condition=~Q(state__in=["complete", "verified"]) | Q(completed_at__isnull=False),
                name="complete_link_knows_since_when",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True) | ~Q(answer="") & Q(answered_at__isnull=False),
                name="answered_link_knows_since_when",
            ),
            models.CheckConstraint(condition=~Q(ways=[]), name="link_allows_at_least_one_way"),
            models.CheckConstraint(
                condition=Q(most_downloads__isnull=True) | Q(most_downloads__gte=1),
                name="link_with_a_limit_allows_one_download",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_at__isnull=False), name="verified_link_knows_since_when"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["started", "partial", "complete", "verified"])
                | Q(first_taken_at__isnull=False),
                name="started_link_knows_since_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} for {self.recipient}"

    def is_open(self, now: datetime) -> bool:
        return self.revoked_at is None and self.starts_at <= now < self.expires_at

    def has_run_out(self, now: datetime) -> bool:
        """By the clock alone: then it can be given more time."""
        return self.revoked_at is None and self.expires_at <= now

    @property
    def is_stopped(self) -> bool:
        """Whoever shared it no longer works here."""
        return self.created_by is not None and not self.created_by.is_active

    def may_be_renewed(self, now: datetime) -> bool:
        """More time would make it work again."""
        return self.has_run_out(now) and self.dataset.may_be_shared and not self.is_stopped

    @property
    def is_used_up(self) -> bool:
        """No further download may begin; one that did may be completed."""
        return self.most_downloads is not None and self.downloads >= self.most_downloads

    def is_over(self, now: datetime) -> bool:
        return self.revoked_at is not None or self.expires_at <= now
