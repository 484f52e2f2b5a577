"""A Windows share."""

from django import forms

from delivery.kinds.form import DestinationForm, Said, SecretField, host_field, port_field
from delivery.rclone import Remote, obscured


class SmbForm(DestinationForm):
    kind, title = "smb", "Windows share (SMB)"
    secret = ("password",)

    host = host_field()
    port = port_field(445)
    share = forms.RegexField(r"^[^/\\:\s][^/\\:]{0,79}\Z", label="Share")
    domain = forms.CharField(label="Domain", required=False, initial="WORKGROUP", max_length=100)
    user = forms.CharField(label="User", max_length=200)
    password = SecretField(label="Password", max_length=1000)
    field_order = ["name", "host", "port", "share", "domain", "user", "password", "folder"]

    @classmethod
    def remote(cls, said: Said) -> Remote:
        hidden = obscured(said["password"])
        options = {"type": "smb", "host": said["host"], "port": said["port"], "user": said["user"], "pass": hidden}
        options["domain"] = said["domain"] or "WORKGROUP"
        path = "/".join(filter(None, (said["share"], said["folder"])))
        return Remote(options, path, (said["host"],), (said["password"], hidden))

    @classmethod
    def place(cls, said: Said) -> str:
        return f"//{said['host']}/{said['share']}/{said['folder']}".rstrip("/")
