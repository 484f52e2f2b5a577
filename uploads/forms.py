from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.validators import validate_email
from django.utils import timezone

from portal.forms import GB, DayInput
from portal.models import Instrument, Project
from uploads.services.drops import DropLinkWish


def end_of_day(day: date | None) -> datetime | None:
    """The last moment of that day, in the reader's time zone. Raises ValidationError for a day that is over."""
    if day is None:
        return None
    if day < timezone.localdate():
        raise forms.ValidationError("This day is over. Choose a later one, or leave it empty.")
    return timezone.make_aware(datetime.combine(day, time.max))


class EmailsField(forms.CharField):
    """A list of addresses, each once, in lower case."""

    def __init__(self, *, label: str, help_text: str) -> None:
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
        super().__init__(label=label, required=False, widget=widget, help_text=help_text)

    def clean(self, value: Any) -> list[str]:
        text = super().clean(value).replace(",", "\n").lower()
        addresses = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        for address in addresses:
            validate_email(address)
        return addresses


class UploadTokenForm(forms.Form):
    label = forms.CharField(
        max_length=100, help_text="Where it is used, such as “Krios 2, control PC”. Uploads are shown under this name."
    )
    instrument = forms.ModelChoiceField(
        queryset=Instrument.objects.none(),
        required=False,
        empty_label="none in particular",
        help_text="Whose data the token brings.",
    )
    notification_emails = EmailsField(
        label="Tell these people",
        help_text="One address a line. They get mail when data are released, first downloaded or damaged.",
    )
    expires_on = forms.DateField(
        label="Works until",
        required=False,
        widget=DayInput(),
        help_text="The last day. Empty: until it is revoked.",
    )

    def __init__(self, *args: object, project: Project, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["instrument"].queryset = project.instruments.all()  # type: ignore[attr-defined]

    def clean_expires_on(self) -> datetime | None:
        return end_of_day(self.cleaned_data["expires_on"])


class RenewTokenForm(forms.Form):
    overlap_hours = forms.TypedChoiceField(
        label="The old token",
        coerce=int,
        choices=[
            (0, "stops working at once"),
            (1, "works for another hour"),
            (24, "works for another day"),
            (168, "works for another week"),
        ],
        initial=24,
        widget=forms.RadioSelect,
        help_text="Time to run the new command on each computer. If the old token may have leaked, stop it at once.",
    )
    expires_on = forms.DateField(
        label="The new token works until",
        required=False,
        widget=DayInput(),
        help_text="The last day. Empty: until it is revoked.",
    )

    def clean_expires_on(self) -> datetime | None:
        return end_of_day(self.cleaned_data["expires_on"])


class DropLinkForm(forms.Form):
    title = forms.CharField(max_length=200, help_text="What the files are for, as the visitor reads it.")
    message = forms.CharField(
        label="A few words",
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stand on the page and in the mail.",
    )
    instrument = forms.ModelChoiceField(
        queryset=Instrument.objects.none(),
        required=False,
        empty_label="none in particular",
        help_text="Its questions are asked.",
    )
    expires_on = forms.DateField(label="Works until", widget=DayInput(), help_text="The last day.")
    limit = forms.DecimalField(
        label="At most (GB)",
        required=False,
        min_value=Decimal("0.001"),
        max_value=1_000_000,
        help_text="Of everything that is sent with it. Empty: as much as the project may hold.",
    )
    password = forms.CharField(
        required=False,
        min_length=8,
        max_length=200,
        widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"}),
        help_text="Tell it to the visitor another way than the link. Empty: the link is enough.",
    )
    mail_to = EmailsField(label="Mail the link to", help_text="One address a line. Empty: hand it over yourself.")
    notify_emails = EmailsField(
        label="Tell these people", help_text="One address a line; told when files have arrived."
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Instrument]", self.fields["instrument"]).queryset = project.instruments.all()

    def clean_expires_on(self) -> datetime | None:
        return end_of_day(self.cleaned_data["expires_on"])

    def wish(self) -> DropLinkWish:
        """What a valid form asks for."""
        data = self.cleaned_data
        return DropLinkWish(
            title=data["title"],
            message=data["message"],
            instrument=data["instrument"],
            expires_at=data["expires_on"],
            limit_bytes=int(data["limit"] * GB) if data["limit"] else None,
            password=data["password"],
            mail_to=data["mail_to"],
            notify_emails=data["notify_emails"],
        )
