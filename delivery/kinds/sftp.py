"""A server with SSH. Which key it shows at the registration is noted, and no other is accepted later."""

from django import forms

from delivery.kinds.form import DestinationForm, Said, SecretField, host_field, port_field
from delivery.rclone import Remote, obscured


class SftpForm(DestinationForm):
    kind, title = "sftp", "SFTP server"
    secret = ("password", "private_key")

    host = host_field()
    port = port_field(22)
    user = forms.CharField(label="User", max_length=200)
    password = SecretField(label="Password", required=False, max_length=1000)
    private_key = SecretField(
        label="Private key",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Instead of a password: the whole text of the file, without a passphrase.",
    )
    field_order = ["name", "host", "port", "user", "password", "private_key", "folder"]

    def clean(self) -> dict[str, object]:
        data: dict[str, object] = super().clean() or {}
        if not data.get("password") and not data.get("private_key"):
            self.add_error("password", "Give a password or a private key.")
        return data

    @classmethod
    def remote(cls, said: Said) -> Remote:
        options = {"type": "sftp", "host": said["host"], "port": said["port"], "user": said["user"]}
        options |= {"shell_type": "none", "host_keys": said.get("host_keys", "")}
        if said["password"]:
            options["pass"] = obscured(said["password"])
        if said["private_key"]:
            options["key_pem"] = said["private_key"].strip().replace("\r", "").replace("\n", "\\n")
        secrets = tuple(filter(None, (said["password"], said["private_key"], options.get("pass", ""))))
        return Remote(options, said["folder"], (said["host"],), secrets)

    @classmethod
    def place(cls, said: Said) -> str:
        return f"{said['user']}@{said['host']}:{said['port']}/{said['folder']}".rstrip("/")
