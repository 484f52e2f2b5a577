from typing import ClassVar

from django.db import models

from portal.models.projects import Project


class MailDay(models.Model):
    """How many mails of a project went out on a day of the portal's zone; kept only for projects with a ceiling."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="mail_days")
    day = models.DateField()
    mails = models.PositiveIntegerField(default=0, help_text="Given to the mail server, or about to be.")

    class Meta:
        ordering = ["-day"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["project", "day"], name="project_has_one_count_of_mails_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.mails} mails of {self.project} on {self.day}"
