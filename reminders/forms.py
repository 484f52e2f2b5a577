"""What a manager may enter about reminders. Rules live in the model; here are words and widgets."""

import re
from typing import TYPE_CHECKING

from django import forms

from reminders.models import ReminderPolicy

if TYPE_CHECKING:  # the forms of Django are generic for the type checker only
    FormOfPolicy = forms.ModelForm[ReminderPolicy]
else:
    FormOfPolicy = forms.ModelForm


class ClockInput(forms.TimeInput):
    """The browser's own, which reads and writes 20:00 whatever the language."""

    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class ReminderPolicyForm(FormOfPolicy):
    class Meta:
        model = ReminderPolicy
        fields = [
            "reminds",
            "every_days",
            "days_before",
            "most",
            "quiet_from",
            "quiet_until",
            "working_days_only",
            "partial_is_used",
            "words",
            "copies_to",
            "metadata_key",
            "copies_daily",
        ]
        labels = {
            "reminds": "Remind recipients",
            "every_days": "Every (days)",
            "days_before": "Or on these days before the link ends",
            "most": "At most (times)",
            "quiet_from": "Quiet from",
            "quiet_until": "Quiet until",
            "working_days_only": "Only from Monday to Friday",
            "partial_is_used": "Who fetched a part needs no reminder",
            "words": "Words of your own",
            "copies_to": "Tell of each reminder",
            "metadata_key": "Name in the metadata",
            "copies_daily": "One mail a day",
        }
        help_texts = {
            "partial_is_used": "Otherwise they are reminded of the rest.",
            "copies_daily": "The next morning, rather than one for each reminder.",
        }
        widgets = {
            "quiet_from": ClockInput(),
            "quiet_until": ClockInput(),
            "words": forms.Textarea(attrs={"rows": 4}),
            "metadata_key": forms.TextInput(attrs={"list": "metadata-names"}),
        }

    def clean_days_before(self) -> str:
        """In the order in which they come, however they were typed."""
        days = re.split(r"[\s,;]+", self.cleaned_data["days_before"].strip(" ,;"))
        if not all(day.isdecimal() for day in days):
            return str(self.cleaned_data["days_before"])  # the model says how to write it
        return ", ".join(map(str, sorted({int(day) for day in days}, reverse=True)))
