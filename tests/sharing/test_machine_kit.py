"""Every command of the machine kit does what the page says, as it is written there, and what came can be checked."""

import json
import os
import pty
import random
import re
import select
import sqlite3
import subprocess
import sys
import termios
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, suppress
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.sharing.handover import Handover, handed_over, until, with_cache

pytestmark = pytest.mark.own_database

SIZES = {
    "movie.mrc": 3_000_000, "grid 1/Übersicht größe.tif": 50_000, "grid 1/a & b #1?.tif": 20, "grid 1/index.html": 10,
    "grid 2/deep/100%.txt": 0, "-rf": 5,
}  # fmt: skip
ZIPS = ["wget", "curl", "aria2"]
ASKING = ["wget", "curl", "wget-files"]
PASSWORD = "wiese-7"
KEYS = ["labcourier", "wget", "curl", "aria2", "rclone", "wget-files"]


VIEWER = """
from datetime import timedelta
from django.test import Client
from django.utils import timezone
from portal.actors import Actor
from portal.models import Dataset, Membership, Project, User
from portal.services.access_tokens import make_access_token
vera = User.objects.create_user("vera@facility.example")
Membership.objects.create(project=Project.objects.get(), user=vera, role="viewer")
actor, day, browser = Actor.of_user(vera), timedelta(days=1), Client()
browser.force_login(vera)
print(make_access_token(actor=actor, label="laptop", scope="read", lifetime=day, now=timezone.now())[1])
print(browser.cookies.output(attrs=[], header="").strip())
print(Dataset.objects.get().pk)
"""


@pytest.fixture(scope="module")
def portal_with_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handover]:
    with handed_over(tmp_path_factory.mktemp("var"), SIZES) as handover, with_cache(handover):
        yield handover


@pytest.fixture
def handover(portal_with_data: Handover) -> Handover:
    portal_with_data.forget()
    return portal_with_data


def commands(handover: Handover, address: str = "", **headers: str) -> dict[str, str]:
    """As they stand on a page, by id."""
    page = handover.ask("GET", address or handover.address, **headers)[2].decode()
    return {key: unescape(text) for key, text in re.findall(r'<code id="kit-([a-z0-9-]+)">([^<]+)</code>', page)}


def run(text: str, folder: Path, **variables: str) -> str:
    """In a shell that has our programs in its path and no settings of anybody's."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": programs, "HOME": str(folder), "LANG": "C.UTF-8", "LABCOURIER_HOME": str(folder / ".agent")}
    done = subprocess.run(
        ["sh", "-ec", text],
        cwd=folder,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, f"{text}\n{done.stderr[-2000:]}"
    return done.stdout


def run_and_type(text: str, folder: Path, answer: str) -> None:
    """In a terminal, where somebody types `answer` when a password is asked for."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["setsid", "-w", "-c", "sh", "-ec", text], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs
    ) as program:
        os.close(theirs)
        said, typed, deadline = b"", False, time.monotonic() + 180
        with suppress(OSError):  # the terminal is gone when the program is
            while time.monotonic() < deadline:
                piece = os.read(ours, 4096) if select.select([ours], [], [], 0.05)[0] else b""
                said += piece
                hides = not termios.tcgetattr(ours)[3] & termios.ECHO
                if not typed and b"assword" in said and hides:  # what is typed before is thrown away
                    os.write(ours, f"{answer}\n".encode())
                    typed = True
        program.kill()
    os.close(ours)
    assert (program.returncode, typed) == (0, True), said.decode()


def test_the_page_and_the_api_name_the_same_commands(handover: Handover) -> None:
    shown = commands(handover)
    told = json.loads(handover.ask("GET", f"/api/v1{handover.address.replace('/s/', '/shared/')}/kit")[2])["commands"]
    assert sorted(key for key in shown if not key.startswith("check")) == sorted(KEYS)
    assert [command["key"] for command in told] == KEYS
    for command in told:
        assert command["text"] == shown[command["key"]]
        assert command["check"] == shown["check" if command["key"] in ZIPS else "check-folder"]


@pytest.mark.parametrize("key", KEYS)
def test_a_command_fetches_everything_and_can_be_run_again(handover: Handover, key: str, tmp_path: Path) -> None:
    shown = commands(handover)
    check = shown["check" if key in ZIPS else "check-folder"]
    run(shown[key], tmp_path)
    run(shown[key] if key != "curl" else f"{shown[key]} || [ $? = 22 ]", tmp_path)  # nothing more to be had is an error
    lines = run(check, tmp_path).splitlines()
    assert sorted(line.removesuffix(": OK") for line in lines if line.endswith(": OK")) == sorted(SIZES)
    assert {path.relative_to(tmp_path / "session").as_posix() for path in (tmp_path / "session").rglob("*")} >= {*SIZES}
    until(lambda: handover.link_state() in ("complete", "verified"))


@pytest.mark.parametrize("key", ZIPS)
def test_a_command_fetches_what_was_selected(handover: Handover, key: str, tmp_path: Path) -> None:
    shown = commands(handover, f"{handover.address}/selection?in=grid+1&file=-rf")
    run(shown[key], tmp_path)
    assert run(shown["check"], tmp_path).count(": OK") == 4


@pytest.fixture
def locked(handover: Handover) -> Iterator[Handover]:
    """Its link has a password for the time of the test."""
    with closing(sqlite3.connect(handover.portal.var / "db.sqlite3", timeout=20)) as database:
        for password_hash in (PBKDF2PasswordHasher().encode(PASSWORD, "salt"), ""):
            database.execute("update sharing_sharelink set password_hash = ?", [password_hash])
            database.commit()
            if password_hash:
                yield handover


@pytest.mark.parametrize("key", KEYS)
def test_a_command_says_the_password_of_a_link_that_has_one(locked: Handover, key: str, tmp_path: Path) -> None:
    login = b64encode(f"link:{PASSWORD}".encode()).decode()
    shown = commands(locked, Authorization=f"Basic {login}")
    if key in ASKING:
        run_and_type(shown[key], tmp_path, PASSWORD)
    else:
        run(shown[key].replace("PASSWORD", PASSWORD), tmp_path, LABCOURIER_PASSWORD=PASSWORD)
    assert run(shown["check" if key in ZIPS else "check-folder"], tmp_path).count(": OK") == len(SIZES)


@pytest.fixture(scope="module")
def vera(portal_with_data: Handover) -> list[str]:
    """A viewer: the secret of her token, the cookie of her session, the id of the dataset."""
    return portal_with_data.portal.manage("shell", "--no-imports", "--command", VIEWER).split("\n")[-4:-1]


def test_a_member_fetches_from_the_drive_with_the_commands_of_the_page(
    handover: Handover, vera: list[str], tmp_path: Path
) -> None:
    token, cookie, dataset = vera
    shown = commands(handover, f"/datasets/{dataset}/choose", Cookie=cookie)
    fetch = "\n".join([shown["token"].replace("lcp_...", token), shown["rclone"]])
    for _ in range(2):
        run(fetch, tmp_path)
    assert run(shown["check-folder"], tmp_path).count(": OK") == len(SIZES)
    assert len(handover.downloads()) >= len(SIZES)


def test_a_member_fetches_by_the_agent_with_the_commands_of_the_page(
    handover: Handover, vera: list[str], tmp_path: Path
) -> None:
    token, cookie, dataset = vera
    shown = commands(handover, f"/datasets/{dataset}/choose", Cookie=cookie)
    run(shown["login"], tmp_path, LABCOURIER_ACCESS_TOKEN=token)
    for _ in range(2):
        run(shown["labcourier"], tmp_path)
    assert run(shown["check-folder"], tmp_path).count(": OK") == len(SIZES)
    assert handover.link_state() == "not_opened"


def test_a_client_as_file_managers_use_it_lists_and_reads_the_drive(
    handover: Handover, vera: list[str], tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login vera@facility.example password {vera[0]}\n")
    (tmp_path / ".netrc").chmod(0o600)
    typed = 'ls\ncd session\nls\nget movie.mrc\ncd "grid 1"\nget index.html\nput movie.mrc\nquit\n'
    said = run(f"printf '{typed}' | cadaver {handover.url('/dav/em/')}", tmp_path)
    assert "session" in said
    assert "3000000" in said
    assert "405" in said
    assert (tmp_path / "movie.mrc").read_bytes() == random.Random("movie.mrc").randbytes(SIZES["movie.mrc"])  # noqa: S311
    assert (tmp_path / "index.html").stat().st_size == SIZES["grid 1/index.html"]
