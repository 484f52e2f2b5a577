from django.db import models


class ReturnMailbox(models.Model):
    """How reading the mailbox went to which undeliverable mail comes back. One row for each address it ever had."""

    address = models.CharField(max_length=300, unique=True, help_text="Person, server and folder; no password.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read to its end.")
    trouble = models.CharField(max_length=500, blank=True, default="", help_text="Why it could not be read since.")

    class Meta:
        verbose_name_plural = "return mailboxes"

    def __str__(self) -> str:
        return self.address
