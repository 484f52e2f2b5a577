"""A wrong or missing setting stops the start, with its name and what to do."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from portal.checks import stores_answer
from portal.config import Config, ConfigError, load_config
from portal.stores.declared import FolderSettings

SITE = {
    "MODE": "site",
    "URL": "https://portal.example.org",
    "SECRET_KEY": "s" * 50,
    "LINK_KEYS": "k" * 50,
    "DATABASE_URL": "postgres://labcourier:secret@localhost/labcourier",
    "BROKER_URL": "redis://localhost:6379/0",
    "EMAIL_URL": "smtp://localhost:25",
}


def start(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """``manage.py check`` with these settings and no others."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LABCOURIER_")}
    env |= {f"LABCOURIER_{name}": value for name, value in {"VAR": str(tmp_path), **variables}.items()}
    command = [sys.executable, "manage.py", "check"]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=False)


def test_several_wrong_settings_are_all_named_and_nothing_starts(tmp_path: Path) -> None:
    outcome = start(tmp_path, URL="portal", WEB_THREADS="many", LOG_LEVEL="LOUD", SECRET_KEY="short")
    assert outcome.returncode == 1
    for name in ("LABCOURIER_URL", "LABCOURIER_WEB_THREADS", "LABCOURIER_LOG_LEVEL", "LABCOURIER_SECRET_KEY"):
        assert f"\n  {name}: " in outcome.stderr
    assert "openssl rand -base64 48" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_site_without_its_secrets_does_not_start(tmp_path: Path) -> None:
    outcome = start(tmp_path, MODE="site", URL="https://portal.example.org")
    assert outcome.returncode == 1
    for name in ("SECRET_KEY", "LINK_KEYS", "DATABASE_URL", "BROKER_URL", "EMAIL_URL"):
        assert f"LABCOURIER_{name}" in outcome.stderr
    assert "docs/settings.md" in outcome.stderr


def test_a_folder_that_cannot_be_written_is_named_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = start(tmp_path, FILES=str(tmp_path / "file" / "files"))
    assert outcome.returncode == 1
    assert "labcourier.E001" in outcome.stderr
    assert "LABCOURIER_FILES" in outcome.stderr


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("LABCOURIER_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("URL", "http://portal.example.org", "must start with https://"),
        ("DEBUG", "1", "must be off"),
        ("EMAIL_URL", "", "LABCOURIER_EMAIL_URL"),
        ("LINK_KEYS", "short", "at least 50 characters"),
        ("BOUNCE_MAILBOX", "pop3://returns:word@mail.example.org", "imaps://user:password@host"),
        ("BOUNCE_SECRET", "!" * 50, "must be base64"),
    ],
)
def test_what_a_site_may_not_do_is_said(environment: pytest.MonkeyPatch, name: str, value: str, remedy: str) -> None:
    for variable, good in (SITE | {name: value}).items():
        environment.setenv(f"LABCOURIER_{variable}", good)
    with pytest.raises(ConfigError, match=remedy):
        load_config()


def test_a_complete_site_is_accepted_and_lists_are_split(environment: pytest.MonkeyPatch) -> None:
    keys = f"{'k' * 50}, {'l' * 60}"
    for variable, good in (SITE | {"LINK_KEYS": keys, "TRUSTED_PROXIES": "10.0.0.0/8,unix"}).items():
        environment.setenv(f"LABCOURIER_{variable}", good)
    config = load_config()
    assert config.link_keys == ["k" * 50, "l" * 60]
    assert config.trusted_proxies == ["10.0.0.0/8", "unix"]


def test_no_refusal_repeats_a_secret(environment: pytest.MonkeyPatch) -> None:
    for variable, good in (SITE | {"SECRET_KEY": "hunter2", "LINK_KEYS": "swordfish"}).items():
        environment.setenv(f"LABCOURIER_{variable}", good)
    with pytest.raises(ConfigError) as refused:
        load_config()
    assert "hunter2" not in str(refused.value)
    assert "swordfish" not in str(refused.value)


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Config.model_fields.items() if not field.description] == []


def test_the_committed_page_of_settings_is_current() -> None:
    call_command("settings_page", "--check")


def test_a_page_of_settings_that_is_old_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "settings.md"
    page.write_text("old")
    monkeypatch.setattr("portal.management.commands.settings_page.PAGE", page)
    with pytest.raises(CommandError, match="settings_page"):
        call_command("settings_page", "--check")


def test_stores_are_named_in_json_which_may_lie_in_a_secrets_file(tmp_path: Path) -> None:
    objects = '"objects": {"kind": "s3", "bucket": "b", "secret_key": "hidden-key"}'
    said = f'{{{objects},\n "archive": {{"kind": "folder", "path": "/x"}}}}'
    (tmp_path / "labcourier_stores").write_text(said)
    stores = Config(_secrets_dir=str(tmp_path)).stores
    assert [(name, store.kind) for name, store in stores.items()] == [("objects", "s3"), ("archive", "folder")]
    assert "hidden-key" not in repr(stores)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("no json", "STORES: must be JSON"),
        ('{"local": {"kind": "folder", "path": "/x"}}', "not `local`"),
        ('{"Big Store": {"kind": "folder", "path": "/x"}}', "small letters"),
        ('{"a": {"kind": "s3", "secret_key": "hidden-key"}}', "a.s3.bucket: Field required"),
        ('{"a": {"kind": "s3", "bucket": "b", "secret": "hidden-key"}}', "a.s3.secret: Extra inputs"),
    ],
)
def test_a_store_that_makes_no_sense_is_named_and_its_keys_are_not(
    monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    monkeypatch.setenv("LABCOURIER_STORES", said)
    with pytest.raises(ConfigError) as refused:
        load_config()
    assert told in str(refused.value)
    assert "hidden-key" not in str(refused.value)


def test_a_store_that_does_not_answer_is_told_before_the_start(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.STORES = {"archive": FolderSettings(kind="folder", path=tmp_path / "file")}
    assert [problem.id for problem in stores_answer(None)] == ["labcourier.E002"]
    settings.STORES = {"archive": FolderSettings(kind="folder", path=tmp_path / "archive")}
    assert stores_answer(None) == []
