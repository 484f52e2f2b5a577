"""A folder of the portal's machine, such as a mounted file server: for staff, below what the site allows."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings

from delivery.kinds.form import DestinationForm, Said
from delivery.rclone import Remote


class MountForm(DestinationForm):
    kind, title, staff_only = "mount", "Mounted folder", True

    mount = forms.ChoiceField(label="Mounted at")
    field_order = ["name", "mount", "folder"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mounts = [str(path) for path in settings.DESTINATION_MOUNTS]
        self.fields["mount"].choices = [(path, path) for path in mounts]  # type: ignore[attr-defined]

    @classmethod
    def remote(cls, said: Said) -> Remote:
        return Remote({"type": "local"}, str(Path(said["mount"], said["folder"])))

    @classmethod
    def place(cls, said: Said) -> str:
        return str(Path(said["mount"], said["folder"]))
