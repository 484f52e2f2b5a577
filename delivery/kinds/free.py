"""Whatever else rclone knows, by a section of its configuration. What would lead into this machine is refused:
kinds that are folders here or wrap other kinds, and options that start programs, read files or use our own rights."""

import re
from configparser import Error as NotParsed
from configparser import RawConfigParser

from django import forms

from delivery.kinds.form import DestinationForm, Said, SecretField, host_of
from delivery.rclone import Remote

TYPES = (
    "azureblob", "azurefiles", "b2", "box", "drive", "dropbox", "filescom", "ftp", "google cloud storage", "hidrive",
    "internetarchive", "jottacloud", "koofr", "mailru", "mega", "onedrive", "opendrive", "oracleobjectstorage",
    "pcloud", "pikpak", "putio", "qingstor", "quatrix", "s3", "seafile", "sftp", "sharefile", "smb", "storj",
    "sugarsync", "swift", "webdav", "yandex", "zoho",
)  # fmt: skip
_INTO_THIS_MACHINE = re.compile(
    r"command|_file\Z|file_pass|_path\Z|\Assh\Z|env_auth|use_msi|msi_|key_use_agent|profile|socket|path_override|set_env"
    r"|proxy|use_kerberos|ccache|\Aremote\Z|auth_redirect|temp|config_"
)
_NAMES_A_HOST = re.compile(r"host|url|endpoint|\Aauth\Z|domain|namenode|server")


class FreeForm(DestinationForm):
    kind, title = "rclone", "Anything rclone knows (Dropbox, Box, Google Drive ...)"
    secret = ("section",)

    section = SecretField(
        label="Section of rclone's configuration",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8, "autocomplete": "off", "spellcheck": "false"}),
        help_text="Set it up with `rclone config` on your computer, then paste what `rclone config show NAME` prints.",
    )
    field_order = ["name", "section", "folder"]

    def clean_section(self) -> str:
        section: str = self.cleaned_data["section"]
        options = parsed(section)
        if options.get("type") not in TYPES:
            raise forms.ValidationError(f"The line “type = …” must name one of these: {', '.join(TYPES)}.")
        refused = sorted(name for name in options if _INTO_THIS_MACHINE.search(name))
        if refused:
            raise forms.ValidationError(
                f"{', '.join(refused)}: cannot be used here, since it concerns the portal's own machine. Leave it out."
            )
        return section

    @classmethod
    def remote(cls, said: Said) -> Remote:
        options = parsed(said["section"])
        named = (value for name, value in options.items() if _NAMES_A_HOST.search(name) and value)
        hosts = tuple(host_of(value) or value.partition(":")[0] for value in named)
        secrets = tuple(value for name, value in options.items() if len(value) > 7 and name != "type")
        return Remote(options, said["folder"], hosts, secrets)

    @classmethod
    def place(cls, said: Said) -> str:
        return f"{parsed(said['section'])['type']}: {said['folder'] or '/'}"


def parsed(section: str) -> dict[str, str]:
    """Raises forms.ValidationError unless it is one section of plain `name = value` lines."""
    reader = RawConfigParser(interpolation=None, comment_prefixes=("#", ";"), delimiters=("=",))
    try:
        reader.read_string(section if section.lstrip().startswith("[") else f"[pasted]\n{section}")
    except NotParsed as error:
        raise forms.ValidationError("Paste the lines as rclone prints them: “name = value”.") from error
    if len(reader.sections()) != 1:
        raise forms.ValidationError("Paste one section only.")
    options = dict(reader.items(reader.sections()[0]))
    if not all(re.fullmatch("[a-z0-9_]+", name) and "\n" not in value for name, value in options.items()):
        raise forms.ValidationError("Each line must read “name = value”, as rclone prints them.")
    return options
