"""Recipients who came too late, and how their projects answer them."""

from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from portal.link_tokens import current_key_id
from portal.models import Dataset, Project
from sharing.models.links import ShareLink

LONGEST_DAYS = 3650
ANSWER_WITHIN = timedelta(days=14)


class RenewalPolicy(models.Model):
    """How a project answers who asks for more time. A project without one asks a manager (`policy_of`)."""

    class Answer(models.TextChoices):
        ASK = "ask", "a manager is asked"
        AT_ONCE = "at_once", "it is given at once"

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="renewal_policy")
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.ASK)
    days = models.PositiveIntegerField(
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text="How long a link works when it is given more time. A manager may give another number.",
    )
    most_times = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="At once, so often for each link; then a manager is asked.",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(days__gte=1), name="renewal_gives_at_least_a_day"),
            models.CheckConstraint(condition=Q(most_times__gte=1), name="renewal_at_once_is_given_at_least_once"),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.get_answer_display()}"

    @property
    def lifetime(self) -> timedelta:
        return timedelta(days=self.days)

    def gives_at_once(self, given: int) -> bool:
        """`given`: how often it did for this link."""
        return self.answer == self.Answer.AT_ONCE and given < self.most_times


def policy_of(project: Project) -> RenewalPolicy:
    """Its policy, or an unsaved one that is as for a project that never said anything. Cost: one query."""
    return RenewalPolicy.objects.filter(project=project).first() or RenewalPolicy(project=project)


class RenewalRequestQuerySet(models.QuerySet["RenewalRequest"]):
    def waiting(self) -> Self:
        return self.filter(state=RenewalRequest.State.WAITING)

    def to_answer(self) -> Self:
        """Waiting, and more time would be of use: the data are there, the link is neither revoked nor stopped."""
        return self.waiting().filter(
            Q(link__created_by=None) | Q(link__created_by__is_active=True),
            link__revoked_at=None,
            link__dataset__state__in=Dataset.SHAREABLE,
        )


class RenewalRequest(models.Model):
    """A recipient asked for more time after one end of their link; at most one row for each end.

    Those who may answer get a mail with an address of their own (`sharing.renewal_links`): it is derived, not stored.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        GRANTED = "granted", "granted"
        REFUSED = "refused", "refused"

    class How(models.TextChoices):
        AT_ONCE = "at_once", "by the project’s policy"
        MAIL = "mail", "from the mail"
        MEMBER = "member", "by a member"

    link = models.ForeignKey(ShareLink, on_delete=models.PROTECT, related_name="renewal_requests")
    ended_at = models.DateTimeField(help_text="The end of the link after which it was asked.")
    asked_by = models.CharField(max_length=254)
    asked_at = models.DateTimeField()
    asked_of = models.JSONField(default=list, help_text="Addresses of those who were told and may answer by mail.")
    key_id = models.CharField(
        max_length=8, default=current_key_id, editable=False, help_text="Which key of the ring signs their addresses."
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=254, blank=True, default="", help_text="As the audit names them.")
    how = models.CharField(max_length=8, choices=How, blank=True, default="")
    until = models.DateTimeField(null=True, blank=True, help_text="What was granted.")
    words = models.TextField(blank=True, default="", help_text="Why it was refused, for the recipient.")

    objects = RenewalRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], condition=Q(state="waiting"), name="renewals_to_answer"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["link", "ended_at"], name="more_time_is_asked_once_for_each_end"),
            models.CheckConstraint(
                condition=Q(state="waiting", answered_at=None, how="")
                | ~Q(state="waiting") & Q(answered_at__isnull=False),
                name="answered_renewal_says_when",
            ),
            models.CheckConstraint(
                condition=Q(state="granted", until__gt=F("ended_at")) | ~Q(state="granted") & Q(until=None),
                name="granted_renewal_is_for_longer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asked_by} ({self.state})"

    def may_be_answered_by_mail(self, now: datetime) -> bool:
        return now < self.asked_at + ANSWER_WITHIN
