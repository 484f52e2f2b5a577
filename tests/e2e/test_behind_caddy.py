"""A site: `site` mode behind a real Caddy with the Caddyfile we ship, TLS and all."""

import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checks.ports import free_port
from checks.postgresql import throwaway_postgresql
from deploy.broker import socket_path
from deploy.one_machine import portal_running
from deploy.program_group import ProgramGroup
from portal.config import ROOT
from tests.e2e.running import Agent

CADDY = Path(sys.executable).with_name("caddy")
PIECE = 40_000_000


class Site:
    """Where it is, how to trust its certificate, and where uploads lie while they arrive."""

    def __init__(self, port: int, authority: Path, token: str, staging: Path) -> None:
        self.port, self.authority, self.token, self.staging = port, authority, token, staging
        self.address = f"https://localhost:{port}"

    def connect(self) -> ssl.SSLSocket:
        trust = ssl.create_default_context(cafile=str(self.authority))
        return trust.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname="localhost")

    def ask(self, method: str, path: str, *headers: str) -> str:
        """Head of the answer to a request without a body."""
        with self.connect() as line:
            line.sendall(self.head(method, path, "Content-Length: 0", "Connection: close", *headers))
            return (
                b"".join(iter(lambda: line.recv(65536), b"")).partition(b"\r\n\r\n")[0].decode().replace("\r\n", "\n")
            )

    def head(self, method: str, path: str, *headers: str) -> bytes:
        always = [f"Host: localhost:{self.port}", f"Authorization: Bearer {self.token}", "Tus-Resumable: 1.0.0"]
        return "\r\n".join([f"{method} {path} HTTP/1.1", *always, *headers, "", ""]).encode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, port, inside = tmp_path_factory.mktemp("site"), free_port(), free_port()
    with throwaway_postgresql() as database:
        settings = site_settings(port, database, folder / "var")
        with portal_running(inside, var=folder / "var", log_folder=folder / "log", settings=settings) as programs:
            caddyfile = folder / "Caddyfile"
            caddyfile.write_text(our_caddyfile_for(inside))
            env = {**os.environ, "LABCOURIER_URL": f"https://localhost:{port}", "XDG_DATA_HOME": str(folder / "caddy")}
            caddy = ProgramGroup(env={**env, "HOME": str(folder)}, cwd=folder, log_folder=folder / "log")
            try:
                caddy.start("caddy", [str(CADDY), "run", "--config", str(caddyfile), "--adapter", "caddyfile"])
                authority = folder / "caddy/caddy/pki/authorities/local/root.crt"
                caddy.wait_until("caddy", lambda: shakes_hands(port, authority), 120)
                made = subprocess.run(
                    [sys.executable, "-m", "demo.facility", str(folder / "none.json")],
                    env={**programs.env},
                    cwd=ROOT,
                    capture_output=True,
                    check=True,
                )
                yield Site(port, authority, json.loads(made.stdout)["upload_token"], folder / "var" / "staging")
            finally:
                caddy.stop()


def shakes_hands(port: int, authority: Path) -> bool:
    """Whether it listens and has its certificate, which it makes after its authority's."""
    try:
        with Site(port, authority, "", authority).connect():
            return True
    except OSError:
        return False


def site_settings(port: int, database: str, var: Path) -> dict[str, str]:
    settings = {
        "MODE": "site",
        "URL": f"https://localhost:{port}",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "LINK_KEYS": secrets.token_urlsafe(48),
        "DATABASE_URL": database,
        "BROKER_URL": f"redis+socket://{socket_path(var)}?virtual_host=0",
        "EMAIL_URL": (var / "mail").as_uri(),
        "TRUSTED_PROXIES": "127.0.0.1",
        "CACHE_URL": "",
    }
    return {f"LABCOURIER_{name}": value for name, value in settings.items()}


def our_caddyfile_for(port: int) -> str:
    """The one we ship; only what touches this machine differs: no port 80, no changes to its trusted certificates."""
    text = (ROOT / "deploy" / "Caddyfile").read_text()
    assert text.count("web:8000") == 1
    quiet = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n"
    return re.sub(r"^\{\n", quiet, text.replace("web:8000", f"127.0.0.1:{port}"), count=1, flags=re.MULTILINE)


def test_pages_are_served_by_https_with_its_headers(site: Site) -> None:
    answer = site.ask("GET", "/accounts/login/")
    assert answer.startswith("HTTP/1.1 200")
    assert "strict-transport-security: max-age=" in answer.lower()
    assert re.search(r"(?i)^set-cookie: csrftoken=.*; Secure$", answer, re.MULTILINE)


def test_interrupted_piece_keeps_what_had_come(site: Site) -> None:
    name = b64encode(b"cut.dat").decode()
    made = site.ask("POST", "/tus/", f"Upload-Length: {PIECE}", f"Upload-Metadata: filename {name}")
    assert made.startswith("HTTP/1.1 201"), made
    location = re.search(r"(?im)^location: https://localhost:\d+(\S+)$", made)
    assert location, made
    type_and_size = ("Content-Type: application/offset+octet-stream", f"Content-Length: {PIECE}")
    with site.connect() as line:
        line.sendall(site.head("PATCH", location[1], "Upload-Offset: 0", *type_and_size))
        line.sendall(bytes(PIECE * 3 // 4))
    arriving = site.staging / location[1].rpartition("/")[2]
    wait_until(lambda: arriving.stat().st_size > PIECE // 2)  # the rest may be lost in the proxy and in sockets
    wait_until(lambda: offset(site, location[1]) > PIECE // 2)  # who asks stops the writer where it is


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, "what was sent has not been kept"
        time.sleep(0.2)


def offset(site: Site, path: str) -> int:
    found = re.search(r"(?im)^upload-offset: (\d+)$", site.ask("HEAD", path))
    return int(found[1]) if found else 0


def test_agent_sends_through_the_proxy(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "a.dat").write_bytes(os.urandom(5_000_000))
    ada = Agent(tmp_path / "agent", tmp_path / "log")
    assert ada.connect(site.address, site.token).returncode == 0
    outcome = ada.run("send", str(folder), "--title", "Through Caddy", "--json")
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["verified"] == 1
