from datetime import date, datetime, time

from django import forms
from django.core.validators import validate_email
from django.utils import timezone

from portal.models import Instrument, Project


def end_of_day(day: date | None) -> datetime | None:
    """The last moment of that day, in the reader's time zone. Raises ValidationError for a day that is over."""
    if day is None:
        return None
    if day < timezone.localdate():
        raise forms.ValidationError("This day is over. Choose a later one, or leave it empty.")
    return timezone.make_aware(datetime.combine(day, time.max))


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
    notification_emails = forms.CharField(
        label="Tell these people",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One address a line. They get mail when data are released, first downloaded or damaged.",
    )
    expires_on = forms.DateField(
        label="Works until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day. Empty: until it is revoked.",
    )

    def __init__(self, *args: object, project: Project, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["instrument"].queryset = project.instruments.all()  # type: ignore[attr-defined]

    def clean_notification_emails(self) -> list[str]:
        text = self.cleaned_data["notification_emails"].replace(",", "\n").lower()
        addresses = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        for address in addresses:
            validate_email(address)
        return addresses

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
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The last day. Empty: until it is revoked.",
    )

    def clean_expires_on(self) -> datetime | None:
        return end_of_day(self.cleaned_data["expires_on"])
