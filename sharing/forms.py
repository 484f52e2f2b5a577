"""The forms by which a member shares a dataset, and changes what a link allows."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict
from django.utils import timezone

from portal.errors import Invalid
from portal.forms import DayInput
from portal.templatetags.quantities import thin
from sharing.models import LONGEST_DAYS, RenewalPolicy, ShareLink, Way, all_ways
from sharing.services.by_hand import ShareWish, checked_addresses
from sharing.services.extending import ENDED, OPEN, TICKED, Extension
from sharing.services.renewals import MOST_WORDS
from sharing.services.terms import NewTerms, Terms

SHORTEST_PASSWORD = 8

if TYPE_CHECKING:  # the forms of Django are generic for the type checker only
    FormOfRenewalPolicy = forms.ModelForm[RenewalPolicy]
else:
    FormOfRenewalPolicy = forms.ModelForm


class TermsForm(forms.Form):
    """What stands behind “More”."""

    password = forms.CharField(
        min_length=SHORTEST_PASSWORD,
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Asked for before anything is shown. It is not in the mail: tell it by telephone.",
    )
    most_downloads = forms.IntegerField(
        label="Downloads at most",
        min_value=1,
        max_value=1_000_000,
        required=False,
        help_text="A download that is resumed stays one. Empty: as many as they like.",
    )
    ways = forms.MultipleChoiceField(
        label="Data may be taken",
        choices=Way.choices,
        initial=all_ways,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one way."},
    )

    @property
    def more_is_open(self) -> bool:
        """Whether something behind the fold must be seen."""
        return any(name in self.errors for name in TermsForm.base_fields)


class ShareForm(TermsForm):
    template_name = "sharing/share_form.html"
    field_order = ("recipients", "days", "message")
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
            terms=Terms(data["password"], data["most_downloads"], data["ways"]),
        )


class AddressForm(forms.Form):
    address = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Of the person who was meant.",
    )


class LinkTermsForm(TermsForm):
    """For a link that is there. Its end is a day; the password is never shown."""

    field_order = ("until", "most_downloads", "ways", "password", "without_password")
    until = forms.DateField(
        label="Works until",
        widget=DayInput(),
        help_text="The last day. A link that has ended works again, and its recipient gets the mail again.",
    )
    without_password = forms.BooleanField(label="Ask for no password any more", required=False)

    def __init__(self, data: QueryDict | None = None, *, link: ShareLink) -> None:
        self._until = timezone.localtime(link.expires_at)
        initial = {"until": self._until.date(), "most_downloads": link.most_downloads, "ways": link.ways}
        super().__init__(data, initial=initial)
        password = cast("forms.CharField", self.fields["password"])
        password.label = "Another password" if link.password_hash else "Password"
        password.help_text = "Empty: it stays as it is. Whoever said the old one is asked again."
        if not link.password_hash:
            del self.fields["without_password"]

    def terms(self) -> NewTerms:
        """What a valid form asks for. The day that the link has already keeps its hour."""
        data: dict[str, Any] = self.cleaned_data
        day = data["until"]
        same = day == self._until.date()
        end = self._until if same else timezone.make_aware(datetime.combine(day, time.max))
        password = "" if data.get("without_password") else data["password"] or None
        return NewTerms(end, data["most_downloads"], data["ways"], password)


class RenewalAnswerForm(forms.Form):
    """Its page has one button for each answer; words are for a refusal."""

    answer = forms.ChoiceField(choices=[("grant", "Give more time"), ("refuse", "Refuse")], widget=forms.HiddenInput)
    days = forms.IntegerField(
        label="Days",
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text="From now. The same link then works again.",
    )
    words = forms.CharField(
        label="A few words to them",
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=MOST_WORDS,
        required=False,
        help_text="Stand in the mail that tells them.",
    )

    def __init__(self, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, **options)
        if data and data.get("answer") == "refuse":
            self.fields["days"].required = False


class ExtensionForm(forms.Form):
    """Below the links of a dataset, whose ticks are `link`."""

    which = forms.ChoiceField(label="Which links", widget=forms.RadioSelect, initial=TICKED)
    days = forms.IntegerField(
        label="By days",
        min_value=1,
        max_value=LONGEST_DAYS,
        required=False,
        help_text="From the end of each; from now for those that have ended.",
    )
    until = forms.DateField(
        label="Or until",
        widget=DayInput(),
        required=False,
        help_text="The last day. Those that end later stay as they are.",
    )

    def __init__(self, data: QueryDict | None = None, *, counts: Mapping[str, int], days: int) -> None:
        super().__init__(data, initial={"days": days})
        which = cast("forms.ChoiceField", self.fields["which"])
        which.choices = [
            (TICKED, "Those ticked above"),
            (OPEN, f"All that work ({thin(counts[OPEN])})"),
            (ENDED, f"All that have ended ({thin(counts[ENDED])})"),
        ]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if not self.errors and bool(said["days"]) == bool(said["until"]):
            self.add_error("days", "Say by how many days or until which day, and leave the other empty.")
        return said

    def extension(self) -> Extension:
        """What a valid form asks for."""
        day = self.cleaned_data["until"]
        end = timezone.make_aware(datetime.combine(day, time.max)) if day else None
        return Extension(days=self.cleaned_data["days"], until=end)


class RenewalPolicyForm(FormOfRenewalPolicy):
    class Meta:
        model = RenewalPolicy
        fields = ["answer", "days", "most_times"]
        labels = {
            "answer": "Whoever asks for more time",
            "days": "Days that are given",
            "most_times": "Given at once, for each link (times)",
        }
        widgets = {"answer": forms.RadioSelect}
