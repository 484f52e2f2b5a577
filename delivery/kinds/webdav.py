"""Nextcloud, ownCloud and other servers with WebDAV."""

from django import forms

from delivery.kinds.form import DestinationForm, Said, SecretField, host_of
from delivery.rclone import Remote, obscured


class WebdavForm(DestinationForm):
    kind, title = "webdav", "WebDAV (Nextcloud, ownCloud ...)"
    secret = ("password",)

    url = forms.URLField(
        label="Address",
        assume_scheme="https",
        help_text="Such as https://cloud.example.org/remote.php/dav/files/rita.",
    )
    vendor = forms.ChoiceField(
        label="Server",
        choices=[("nextcloud", "Nextcloud"), ("owncloud", "ownCloud"), ("other", "another one")],
        initial="nextcloud",
    )
    user = forms.CharField(label="User", max_length=200)
    password = SecretField(
        label="Password", max_length=1000, help_text="Best an app password, which can be taken back by itself."
    )
    field_order = ["name", "url", "vendor", "user", "password", "folder"]

    @classmethod
    def remote(cls, said: Said) -> Remote:
        hidden = obscured(said["password"])
        options = {"type": "webdav", "url": said["url"], "vendor": said["vendor"], "user": said["user"], "pass": hidden}
        return Remote(options, said["folder"], (host_of(said["url"]),), (said["password"], hidden))

    @classmethod
    def place(cls, said: Said) -> str:
        return f"{said['url'].rstrip('/')}/{said['folder']}".rstrip("/")
