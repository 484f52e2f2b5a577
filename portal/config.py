"""The portal's settings as the site's administrator sees them: one variable each, checked before anything starts.

Every variable is read from the environment with the prefix ``LABCOURIER_`` or from a file of that name in the folder
named by ``LABCOURIER_SECRETS_DIR``. ``manage.py settings_page`` writes the table in ``docs/settings.md`` from here.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, HttpUrl, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from portal.signatures import require_key
from portal.stores.declared import StoreName, StoreSettings

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "LABCOURIER_"
MINUTE, HOUR, DAY = 60, 3600, 86400
MIB, GIB = 2**20, 2**30


class ConfigError(SystemExit):
    """Wrong or missing settings: the start stops with each one's name and remedy (exit status of ``SystemExit``)."""


def _long_secret(value: str) -> str:
    if len(value) < 50:
        raise ValueError("must have at least 50 characters; make one with `openssl rand -base64 48`")
    return value


def _comma_separated(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Secret = Annotated[str, AfterValidator(_long_secret)]


class Config(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        secrets_dir=os.environ.get(PREFIX + "SECRETS_DIR"),
        extra="ignore",
        env_ignore_empty=True,
    )

    mode: Literal["local", "site"] = Field(
        "local",
        description="`local` fills in defaults for one machine; `site` demands every secret and HTTPS.",
    )
    url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8000"), description="Address users type; links in mails start with it."
    )
    var: Path = Field(ROOT / "var", description="Folder for everything written at run time.")
    site_name: str = Field("Labcourier", description="Name of the facility's portal, shown on pages and in mails.")
    support_email: str = Field("help@localhost", description="Whom recipients may ask; shown on pages and in mails.")

    bind: str = Field("127.0.0.1:8000", description="Address and port the web server listens on.")
    web_processes: int = Field(2, gt=0, description="Processes of the web server; one per core, at least two.")
    web_threads: int = Field(
        1000, gt=0, description="Uploads and downloads each web process serves at once; idle threads are not made."
    )
    worker_processes: int = Field(2, gt=0, description="Files a worker verifies at once, and mails it sends.")

    secret_key: Secret = Field("", validate_default=False, description="Signs sessions and forms.")
    secret_key_fallbacks: Annotated[list[str], NoDecode] = Field(
        [], description="Former signing secrets, comma separated."
    )
    link_keys: Annotated[list[Secret], NoDecode] = Field(
        [],
        description="Secrets of share links, newest first, comma separated. Removing one ends the links made with it.",
    )

    database_url: str = Field(
        "", description="`postgres://user:password@host/name`; empty: SQLite in the run-time folder."
    )
    broker_url: str = Field("", description="`redis://host:6379/0`; empty: the embedded broker's socket.")
    cache_url: str = Field("", description="`redis://host:6379/1`; empty: the embedded broker's socket.")

    files: Path | None = Field(
        None,
        description="Folder of received files, `<project>/<dataset>/<path>`; empty: `files` in the run-time folder.",
    )
    staging: Path | None = Field(
        None, description="Folder of unfinished uploads, best on the same file system as the files."
    )
    stores: dict[StoreName, StoreSettings] = Field(
        {},
        description="Stores besides that folder, as JSON by name (small letters, digits, hyphens), such as "
        '`{"objects": {"kind": "s3", "endpoint": "https://…", "bucket": "…", "access_key": "…", "secret_key": "…"}}` '
        'or `{"archive": {"kind": "folder", "path": "/mnt/…"}}`; see operations.md. Projects choose among them.',
    )
    destination_keys: Annotated[list[Secret], NoDecode] = Field(
        [],
        description="Secrets that encrypt passwords of destinations, newest first, comma separated. Without the one "
        "that encrypted them, destinations have to be registered again. Empty: a file in the run-time folder.",
    )
    destination_hosts: Annotated[list[str], NoDecode] = Field(
        [],
        description="Hosts that destinations may name although they are this machine or next to it, comma separated.",
    )
    destination_mounts: Annotated[list[Path], NoDecode] = Field(
        [], description="Folders of this machine below which staff may register destinations, comma separated."
    )
    hook_hosts: Annotated[list[str], NoDecode] = Field(
        [],
        description="Hosts that hooks may call although they are not on the public network, comma separated; also by "
        "`http://`.",
    )
    hook_days: int = Field(5, gt=0, description="A hook that failed for so many days is stopped, and a mail says so.")
    layouts_bytes: int = Field(
        4 * GIB,
        gt=0,
        description="Room for the lists from which zips are computed, about 110 bytes a file; they can be made again.",
    )
    reread_days: int = Field(
        30, ge=0, description="Every stored file is read again and compared once in so many days; 0: only by hand."
    )
    storage_report: Literal["daily", "weekly", "never"] = Field(
        "weekly",
        description="How often staff are mailed how full the stores are, at seven in the morning, weekly on Mondays; "
        "each may switch it off on the page.",
    )
    max_file_bytes: int = Field(20 * 2**40, gt=0, description="Largest file accepted, in bytes.")
    bundle_threshold_bytes: int = Field(
        8 * MIB,
        ge=0,
        le=32 * MIB,
        description="Agents send files up to this size in bundles, larger ones alone; see benchmarks.md.",
    )
    min_free_bytes: int = Field(GIB, ge=0, description="Uploads are refused (507) when less than this would stay free.")
    upload_expiry_hours: int = Field(
        7 * 24, gt=0, description="An unfinished upload is deleted this long after its last byte."
    )
    upload_idle_seconds: int = Field(
        60, gt=0, description="A sender silent for so long is disconnected; what came is kept."
    )

    email_url: str = Field(
        "",
        description="`smtp://user:password@host:587?tls=1`, `smtps://…:465`, `file:///folder`; empty: var/mail.",
    )
    email_from: str = Field("labcourier@localhost", description="Sender of all mails.")
    mails_a_day: int = Field(
        10_000,
        ge=0,
        description="Mails of one project that go out on one day, unless its settings say otherwise; the others go the "
        "day after. 0: no limit.",
    )
    bounce_address: str = Field(
        "", description="Where mail servers send back what they cannot deliver; empty: to the sender of the mails."
    )
    bounce_mailbox: str = Field(
        "",
        description="The mailbox of that address, `imaps://user:password@host:993/INBOX`, or `imap://…?tls=1`. It is "
        "read every five minutes; empty: nobody reads it.",
    )
    bounce_secret: Secret = Field(
        "",
        validate_default=False,
        description="Signs what a mail service reports at `/api/v1/bounces`; empty: nothing is taken there.",
    )

    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        [], description="Host names served besides the one in the address, comma separated."
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        [], description="Addresses or networks whose `X-Forwarded-For` and `-Proto` are believed."
    )
    timezone: str = Field("UTC", description="Zone in which mails and pages give times unless a person set their own.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line written."
    )
    log_json: bool = Field(False, description="Write logs as JSON lines.")
    debug: bool = Field(False, description="Django's debug pages; refused in `site` mode.")

    @model_validator(mode="before")
    @classmethod
    def split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        lists = {"secret_key_fallbacks", "link_keys", "allowed_hosts", "trusted_proxies"}
        lists |= {"destination_keys", "destination_hosts", "destination_mounts", "hook_hosts"}
        return {key: _comma_separated(value) if key in lists else value for key, value in values.items()}

    @field_validator("bounce_mailbox")
    @classmethod
    def mailbox_is_imap(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username):
            raise ValueError("must be such as `imaps://user:password@host:993/INBOX`")
        return value

    @field_validator("bounce_secret")
    @classmethod
    def bounce_secret_is_base64(cls, value: str) -> str:
        return require_key(value)

    @model_validator(mode="after")
    def site_is_complete(self) -> Self:
        if self.mode == "local":
            return self
        wanted = {
            "secret_key": self.secret_key,
            "link_keys": self.link_keys,
            "database_url": self.database_url,
            "broker_url": self.broker_url,
            "email_url": self.email_url,
        }
        missing = [PREFIX + name.upper() for name, value in wanted.items() if not value]
        if missing:
            raise ValueError(f"`site` mode needs {', '.join(missing)}; see docs/settings.md")
        if self.url.scheme != "https":
            raise ValueError(f"{PREFIX}URL must start with https:// in `site` mode")
        if self.debug:
            raise ValueError(f"{PREFIX}DEBUG must be off in `site` mode")
        return self


def load_config() -> Config:
    """The checked settings; raises ConfigError naming every wrong one with its remedy."""
    try:
        return Config()
    except ValidationError as error:
        lines = [_sentence(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ConfigError("Labcourier cannot start:\n  " + "\n  ".join(lines)) from None
    except SettingsError:  # only the stores are parsed by pydantic-settings
        problem = f"{PREFIX}STORES: must be JSON, such as docs/operations.md shows"
        raise ConfigError(f"Labcourier cannot start:\n  {problem}") from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = PREFIX + str(location[0]).upper() if location else "settings"
    name += "".join(f".{part}" for part in location[1:])
    return f"{name}: {message.removeprefix('Value error, ')}"
