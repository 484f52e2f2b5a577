from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.models import Project
from sharing.models import ShareLink


class DestinationQuerySet(models.QuerySet["Destination"]):
    def usable(self) -> "DestinationQuerySet":
        """Those of the project; a recipient's is used once, by its own push."""
        return self.filter(removed_at__isnull=True, link__isnull=True)


class Destination(models.Model):
    """Storage elsewhere that somebody of a project registered once. Secrets stand here only encrypted."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="destinations")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10)
    place = models.CharField(max_length=700, help_text="For people: where it is.")
    options = models.JSONField(default=dict, help_text="What is no secret of it.")
    locked = models.TextField(blank=True, editable=False, help_text="Its secrets, encrypted; empty once removed.")
    on_release = models.BooleanField(default=False)
    on_release_since = models.DateTimeField(null=True, blank=True, help_text="Datasets released before are not pushed.")
    live = models.BooleanField(default=False, help_text="Each file once it is verified, before the release.")
    read_back = models.BooleanField(default=False)
    link = models.ForeignKey(
        ShareLink,
        on_delete=models.PROTECT,
        null=True,
        related_name="destinations",
        help_text="A recipient's, for once.",
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(default=timezone.now, help_text="A file was written, read back and removed.")
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = DestinationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(removed_at__isnull=True, link__isnull=True),
                name="destination_has_a_name_of_its_own_in_a_project",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) | Q(locked=""), name="removed_destination_keeps_no_secret"
            ),
            models.CheckConstraint(
                condition=Q(on_release=False) | Q(on_release_since__isnull=False),
                name="destination_of_releases_says_since_when",
            ),
            models.CheckConstraint(
                condition=Q(live=False) | Q(on_release=True), name="live_destination_takes_every_release"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def takes_released(self, released_at: datetime) -> bool:
        return self.on_release and self.on_release_since is not None and released_at >= self.on_release_since
