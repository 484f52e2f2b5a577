"""What a person in a browser says of a dataset before the files come: fields of ours, and those the instrument asks."""

import re
import uuid
from typing import Any

from django import forms

from portal.errors import Invalid
from portal.forms import KeywordsField
from portal.models import Instrument
from uploads.services.datasets import DatasetWish, checked_addresses

_TEMPLATE_PREFIX = "meta-"


class AskedForm(forms.Form):
    """Ends with the fields of the instrument's metadata template, if there is one."""

    title = forms.CharField(max_length=300, help_text="What people find it by, such as the sample and the date.")
    description = forms.CharField(
        required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3}), help_text="Anything that helps."
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, instrument: Instrument | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for asked in instrument.metadata_template if instrument else []:
            self.fields[_TEMPLATE_PREFIX + asked["name"]] = _field(asked)

    def wish(self, **more: Any) -> DatasetWish:
        """What a valid form asks for."""
        data = self.cleaned_data
        said = {name: data[name] for name in data if name.startswith(_TEMPLATE_PREFIX) and data[name]}
        return DatasetWish(
            client_key=str(data["key"]),
            title=data["title"],
            description=data["description"],
            metadata={name.removeprefix(_TEMPLATE_PREFIX): value for name, value in said.items()},
            **more,
        )


class NewDatasetForm(AskedForm):
    recipients = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
        help_text="E-mail addresses. Each gets a link as soon as every file is verified. Empty: share it later.",
    )
    keywords = KeywordsField()
    investigation = forms.CharField(required=False, max_length=300, help_text="The proposal or study it belongs to.")
    field_order = ["title", "recipients", "keywords", "investigation", "description"]

    def clean_recipients(self) -> list[str]:
        addresses = [word for word in re.split(r"[\s,;]+", self.cleaned_data["recipients"]) if word]
        try:
            return checked_addresses(addresses)
        except Invalid as error:
            raise forms.ValidationError(error.message) from error

    def dataset_wish(self) -> DatasetWish:
        data = self.cleaned_data
        return self.wish(recipients=data["recipients"], keywords=data["keywords"], investigation=data["investigation"])


def _field(asked: dict[str, Any]) -> forms.Field:
    named: dict[str, Any] = {"label": asked["label"], "required": asked["required"], "help_text": asked["help"]}
    if asked["choices"]:
        empty = [("", "Choose …")]
        return forms.ChoiceField(choices=[*empty, *((choice, choice) for choice in asked["choices"])], **named)
    return forms.CharField(max_length=2000, **named)


class VisitorForm(AskedForm):
    """A visitor with a drop link says who they are."""

    visitor_name = forms.CharField(label="Your name", max_length=150)
    visitor_email = forms.EmailField(label="Your email", help_text="You are told when everything has arrived.")
    field_order = ["visitor_name", "visitor_email", "title", "description"]
