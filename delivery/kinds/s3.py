"""A bucket of Amazon S3 or of anything that speaks like it."""

from django import forms

from delivery.kinds.form import DestinationForm, Said, SecretField, host_of
from delivery.rclone import Remote


class S3Form(DestinationForm):
    kind, title = "s3", "S3 bucket"
    secret = ("secret_key",)

    endpoint = forms.URLField(
        label="Endpoint",
        required=False,
        assume_scheme="https",
        help_text="Such as https://s3.example.org. Empty: Amazon's.",
    )
    region = forms.RegexField(r"^[a-z0-9-]*\Z", label="Region", initial="us-east-1", required=False)
    bucket = forms.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}\Z", label="Bucket")
    access_key = forms.CharField(label="Access key", max_length=200)
    secret_key = SecretField(label="Secret key", max_length=400)
    field_order = ["name", "endpoint", "region", "bucket", "folder", "access_key", "secret_key"]

    @classmethod
    def remote(cls, said: Said) -> Remote:
        endpoint = said["endpoint"]
        options = {
            "type": "s3",
            "provider": "Other" if endpoint else "AWS",
            "endpoint": endpoint,
            "region": said["region"],
            "access_key_id": said["access_key"],
            "secret_access_key": said["secret_key"],
            "env_auth": "false",
            "no_check_bucket": "true",
        }
        hosts = (host_of(endpoint),) if endpoint else ()
        return Remote(options, "/".join(filter(None, (said["bucket"], said["folder"]))), hosts, (said["secret_key"],))

    @classmethod
    def place(cls, said: Said) -> str:
        where = f" at {host_of(said['endpoint'])}" if said["endpoint"] else ""
        return f"{said['bucket']}/{said['folder']}".rstrip("/") + where
