from datetime import timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from portal.metadata_template import validate_metadata_template
from portal.stores import LOCAL
from portal.zones import validate_zone, zone_named

code_validator = RegexValidator(
    r"^[a-z0-9][a-z0-9-]{0,39}\Z",
    "Use 1 to 40 small letters, digits and hyphens, starting with a letter or digit.",
)


class Project(models.Model):
    """Whose data it is, who may see it, and what happens by the clock."""

    code = models.CharField(
        max_length=40,
        unique=True,
        validators=[code_validator],
        help_text="Short name, also the folder's name.",
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    contact_email = models.EmailField(help_text="Recipients are told to ask here.")
    link_days = models.PositiveIntegerField(
        "links last (days)",
        default=30,
        validators=[MinValueValidator(1)],
        help_text="How long a share link works unless set otherwise.",
    )
    quota_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: no limit but the disk.")
    store = models.CharField(max_length=40, default=LOCAL, help_text="Where verified files of new datasets go.")
    copy_store = models.CharField(
        max_length=40, blank=True, default="", help_text="Where a second copy of each verified file goes; empty: none."
    )
    recipients_may_push = models.BooleanField(
        default=False, help_text="Recipients may have the data sent to storage of their own, from the link's page."
    )
    mails_a_day = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="At most so many mails go out a day, the others the day after. Empty: as the facility set it.",
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[validate_zone],
        help_text="Whose hours and days count, such as Europe/Rome; empty: the portal's.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(link_days__gte=1), name="project_links_last_at_least_a_day"),
            models.CheckConstraint(
                condition=~Q(copy_store=F("store")),
                name="project_keeps_second_copies_elsewhere",
                violation_error_message="A second copy in the same store protects from nothing. Choose another store.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("project", args=[self.code])

    @property
    def link_lifetime(self) -> timedelta:
        return timedelta(days=self.link_days)

    @property
    def zone(self) -> ZoneInfo:
        return zone_named(self.time_zone)


class Membership(models.Model):
    """A person's role in a project. Managers decide, operators send and share, viewers look and download."""

    class Role(models.TextChoices):
        MANAGER = "manager", "Manager"
        OPERATOR = "operator", "Operator"
        VIEWER = "viewer", "Viewer"

    class Told(models.TextChoices):
        MINE = "mine", "what concerns me, a mail each time"
        EACH = "each", "everything, a mail each time"
        DAILY = "daily", "everything, one digest a day"
        NEVER = "never", "nothing"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role, default=Role.VIEWER)
    told_of_downloads = models.CharField(
        max_length=5, choices=Told, default=Told.MINE, help_text="The person’s own wish, for mails to their address."
    )

    class Meta:
        ordering = ["user__email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["project", "user"], name="person_has_one_role_in_a_project"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role}) in {self.project}"


class Instrument(models.Model):
    """A microscope, sequencer, beamline ... whose data arrive in one project."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="instruments")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    metadata_template = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_metadata_template],
        help_text="What the browser asks of each dataset; see portal/metadata_template.py.",
    )
    last_contact_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_contact_from = models.CharField(
        max_length=200, blank=True, editable=False, help_text="Agent and host heard last."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
