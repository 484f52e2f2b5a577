"""What every kind of destination asks for, and what it makes of the answers."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms

from delivery.rclone import Remote

Said = Mapping[str, str]


class SecretField(forms.CharField):
    """Never shown again, not even in a form that has to be corrected."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.PasswordInput(attrs={"autocomplete": "new-password"}))
        super().__init__(strip=False, **kwargs)


class DestinationForm(forms.Form):
    """`secret` names the fields that are encrypted. What else is asked for may be shown."""

    kind: ClassVar[str]
    title: ClassVar[str]
    secret: ClassVar[tuple[str, ...]] = ()
    staff_only: ClassVar[bool] = False

    name = forms.CharField(label="Name", max_length=80, help_text="As you know it, such as “Archive of our group”.")
    folder = forms.CharField(
        label="Folder",
        max_length=500,
        required=False,
        help_text="Each dataset gets a folder of its own in there. Empty: at the top.",
    )
    on_release = forms.BooleanField(
        label="Push every dataset of the project",
        required=False,
        help_text="As soon as it is released. Otherwise by hand, from the page of the dataset.",
    )
    live = forms.BooleanField(
        label="Already while it arrives",
        required=False,
        help_text="Each file as soon as it is verified; all are compared at the release.",
    )
    read_back = forms.BooleanField(
        label="Read everything back",
        required=False,
        help_text="After a push, even where the storage can say the checksums itself. Slower, and certain.",
    )
    field_order = ["name"]

    def clean_folder(self) -> str:
        folder: str = self.cleaned_data["folder"].strip("/")
        if (any(part in ("", ".", "..") for part in folder.split("/")) and folder) or not folder.isprintable():
            raise forms.ValidationError("Write folders with / between them, without “..” and empty names.")
        return folder

    def said(self) -> dict[str, str]:
        """What a valid form says of this kind, secrets and all."""
        general = {"name", "on_release", "live", "read_back"}
        return {name: str(value or "") for name, value in self.cleaned_data.items() if name not in general}

    @classmethod
    def remote(cls, said: Said) -> Remote:
        """What rclone is told. Cost: a process for each password."""
        raise NotImplementedError

    @classmethod
    def place(cls, said: Said) -> str:
        """For people: where it is."""
        raise NotImplementedError


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def host_field(**kwargs: Any) -> forms.CharField:
    return forms.RegexField(
        r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}\Z",
        label="Host",
        error_messages={"invalid": "A host name or an address, such as files.example.org."},
        **kwargs,
    )


def port_field(usual: int) -> forms.IntegerField:
    return forms.IntegerField(label="Port", initial=usual, min_value=1, max_value=65535)
