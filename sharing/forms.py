"""The form by which a member shares a dataset."""

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms

from portal.errors import Invalid
from sharing.services.by_hand import ShareWish, checked_addresses

LONGEST_DAYS = 3650


class ShareForm(forms.Form):
    recipients = forms.CharField(
        label="E-mail addresses",
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text="One or more, on lines or separated by commas. They need no account; each gets their own link.",
    )
    days = forms.IntegerField(
        label="Links work for (days)",
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text="Afterwards nothing can be downloaded with them.",
    )
    message = forms.CharField(
        label="A few words",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        required=False,
        help_text="Stands in the mail and above the files.",
    )
    occasion = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean_recipients(self) -> list[str]:
        try:
            return checked_addresses(re.split(r"[\s,;]+", self.cleaned_data["recipients"]))
        except Invalid as error:
            raise forms.ValidationError(error.message) from error

    def wish(self, now: datetime) -> ShareWish:
        """What a valid form asks for."""
        data: dict[str, Any] = self.cleaned_data
        return ShareWish(
            recipients=data["recipients"],
            expires_at=now + timedelta(days=data["days"]),
            occasion=data["occasion"].hex,
            message=data["message"],
        )
