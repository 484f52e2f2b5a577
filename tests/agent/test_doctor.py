"""`labcourier doctor`: each fault is made for real, and named with its remedy."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from labcourier_agent import doctor_network
from labcourier_agent.doctor import Finding, Verdict
from labcourier_agent.settings import Portal, Portals, store_portals
from tests.agent.conftest import Agent, Result
from tests.agent.loopback_door import Fault
from tests.agent.loopback_portal import TOKEN, listening_nowhere
from tests.agent.portal_to_look_at import PortalToLookAt


@pytest.fixture
def portal() -> Iterator[PortalToLookAt]:
    with PortalToLookAt() as portal:
        yield portal


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor_network, "PATIENCE", 30.0)


def verdicts(told: Result) -> dict[str, tuple[str, str]]:
    return {found["check"]: (found["verdict"], found["said"]) for found in told.document["findings"]}


def faults(told: Result) -> dict[str, str]:
    """What fails, with the remedy, which each has."""
    found = {entry["check"]: entry["remedy"] for entry in told.document["findings"] if entry["verdict"] == "fail"}
    assert all(found.values())
    assert told.code == told.document["exit_code"] == (7 if found else 0)
    return found


def network(url: str) -> dict[str, Finding]:
    return {finding.check: finding for finding in doctor_network.look_at_network(url)}


# All is well.


def test_where_all_is_well_it_says_so(ada: Agent) -> None:
    told = ada("doctor")
    assert told.code == 0
    assert "ok    token: opens project Cryo, without an end" in told.out
    assert "ok    large uploads: requests of 268.4 MB come through" in told.out
    assert "warn  encryption: http:// sends token and data readable" in told.out
    assert "fail" not in told.out


def test_before_a_portal_is_connected_it_says_how(agent: Agent) -> None:
    told = agent("doctor")
    assert (told.code, "labcourier connect" in told.err) == (3, True)


# The network.


def test_a_name_without_address(ada: Agent, home: Path) -> None:
    connect_to("https://portal.invalid", home)
    told = ada("doctor", "--json")
    assert list(faults(told)) == ["name"]
    assert "token" not in verdicts(told), "what needs the name is not tried"


def test_a_port_that_refuses(ada: Agent, home: Path) -> None:
    with listening_nowhere() as url:
        connect_to(url, home)
        assert list(faults(ada("doctor", "--json"))) == ["connection"]


def test_a_portal_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that a firewall swallows."""

    def swallow(*told: object, **more: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", swallow)
    found = network("http://127.0.0.1:9")["connection"]
    assert (found.verdict, "firewall" in found.remedy) == (Verdict.FAIL, True)


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening_nowhere() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.replace("//", "//ada:hunter2@"))
        found = network("http://portal.invalid")
    assert found["proxy"].said.startswith("http://ada:…@127.0.0.1:")
    assert found["connection"].verdict is Verdict.FAIL, "the proxy is what this computer has to reach"
    monkeypatch.setenv("NO_PROXY", "portal.invalid")
    assert network("http://portal.invalid")["proxy"].said == "none is used"


# Certificates.


@contextmanager
def tls_server(certificate: trustme.LeafCert) -> Iterator[str]:
    """Shakes hands and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """One that this computer trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("issue", "verdict", "said"),
    [
        (lambda ca: ca.issue_cert("localhost", not_after=NOW + timedelta(days=90)), Verdict.OK, "trusted, valid until"),
        (lambda ca: ca.issue_cert("localhost", not_after=NOW + timedelta(days=5)), Verdict.WARN, "it ends on"),
        (
            lambda ca: ca.issue_cert("localhost", not_before=NOW - timedelta(9), not_after=NOW - timedelta(1)),
            Verdict.FAIL,
            "it has expired",
        ),
        (
            lambda ca: ca.issue_cert("localhost", not_before=NOW + timedelta(1), not_after=NOW + timedelta(9)),
            Verdict.FAIL,
            "it is not valid yet",
        ),
        (lambda ca: ca.issue_cert("other.example.org"), Verdict.FAIL, "it is not for localhost"),
        (lambda ca: trustme.CA().issue_cert("localhost"), Verdict.FAIL, "does not trust"),
    ],
    ids=["good", "soon", "expired", "not yet", "another name", "untrusted"],
)
def test_certificates(
    authority: trustme.CA, issue: Callable[[trustme.CA], trustme.LeafCert], verdict: Verdict, said: str
) -> None:
    with tls_server(issue(authority)) as url:
        found = network(url)["certificate"]
    assert (found.verdict, said in found.said) == (verdict, True), found
    assert bool(found.remedy) == (verdict is not Verdict.OK)


def test_https_where_only_http_is_spoken(portal: PortalToLookAt) -> None:
    found = network(portal.url.replace("http:", "https:"))["encryption"]
    assert found.verdict is Verdict.FAIL


# The portal.


@pytest.mark.parametrize("code", ["token_unknown", "token_expired", "token_revoked"])
def test_a_token_that_opens_nothing(ada: Agent, portal: PortalToLookAt, code: str) -> None:
    portal.faults = [Fault("GET", "/api/v1/connection", status=401, code=code)]
    assert "labcourier connect" in faults(ada("doctor", "--json"))["token"]


def test_a_token_that_ends_soon(ada: Agent, portal: PortalToLookAt) -> None:
    portal.connection_more = {"expires_at": (NOW + timedelta(days=3)).isoformat()}
    told = ada("doctor", "--json")
    assert verdicts(told)["token"][0] == "warn"
    assert faults(told) == {}


@pytest.mark.parametrize(("seconds", "verdict"), [(-600, "fail"), (600, "fail"), (60, "warn"), (2, "ok")])
def test_a_clock_that_goes_wrong(ada: Agent, portal: PortalToLookAt, seconds: int, verdict: str) -> None:
    portal.connection_more = {"server_time": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}
    assert verdicts(ada("doctor", "--json"))["clock"][0] == verdict


def test_versions(ada: Agent, portal: PortalToLookAt) -> None:
    portal.connection_more = {"agent_version_latest": "99.0.0"}
    assert verdicts(ada("doctor", "--json"))["version"][0] == "warn"
    portal.connection_more = {"agent_version_min": "99.0.0"}
    assert "Update" in faults(ada("doctor", "--json"))["version"]


def test_an_endpoint_that_does_not_speak_tus(ada: Agent, portal: PortalToLookAt) -> None:
    portal.tus_versions = "0.2.1"
    assert "OPTIONS" in faults(ada("doctor", "--json"))["uploads"]


def test_a_proxy_that_limits_bodies(ada: Agent, portal: PortalToLookAt) -> None:
    portal.faults = [Fault("PATCH", status=413)]
    assert "client_max_body_size" in faults(ada("doctor", "--json"))["large uploads"]


def test_a_proxy_that_collects_bodies(ada: Agent, portal: PortalToLookAt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_network, "PATIENCE", 2.0)
    asked = threading.Event()
    portal.faults = [Fault("PATCH", meanwhile=lambda: asked.wait(60))]
    told = ada("doctor", "--json")
    asked.set()
    assert verdicts(told)["large uploads"] == (
        "warn",
        "no answer before the body was sent: something in between collects whole requests",
    )


def test_something_else_than_a_portal(ada: Agent, portal: PortalToLookAt) -> None:
    portal.faults = [Fault("GET", "/api/v1/connection", status=404)]
    assert list(faults(ada("doctor", "--json"))) == ["portal"]


# The computer.


def test_tokens_that_others_can_read(ada: Agent, home: Path) -> None:
    (home / "portals.json").chmod(0o644)
    assert "chmod 600" in faults(ada("doctor", "--json"))["tokens"]


def test_a_state_folder_that_is_none(ada: Agent, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portals = (home / "portals.json").read_bytes()
    (home / "state").touch()
    from labcourier_agent import settings

    folders = settings.Folders(home, home / "state" / "below")
    monkeypatch.setattr(settings.Folders, "from_environment", lambda environment: folders)
    assert {"state folder", "disk"} <= set(faults(ada("doctor", "--json")))
    assert (home / "portals.json").read_bytes() == portals


@pytest.mark.parametrize(("free", "verdict"), [(10**6, "fail"), (10**8, "warn"), (10**11, "ok")])
def test_a_disk_that_gets_full(ada: Agent, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    usage = type("Usage", (), {"free": free, "total": 10**12})
    monkeypatch.setattr("shutil.disk_usage", lambda folder: usage)
    assert verdicts(ada("doctor", "--json"))["disk"][0] == verdict


def test_a_damaged_journal(ada: Agent, data: Path, home: Path) -> None:
    assert ada("send", data).code == 0
    assert verdicts(ada("doctor", "--json"))["journal"] == ("ok", "whole")
    with (home / "journal.sqlite3").open("r+b") as journal:
        journal.seek(4096)
        journal.write(b"\xff" * 8192)
    assert "Move it away" in faults(ada("doctor", "--json"))["journal"]


def test_folders_that_are_watched(ada: Agent, home: Path, data: Path) -> None:
    (home / "watch.toml").write_text(f'[[folder]]\npath = "{data}"\n[[folder]]\npath = "{data}-nowhere"\n')
    told = ada("doctor", "--json")
    assert verdicts(told)[f"folder {data}"] == ("ok", "can be read")
    assert "Mount the share" in faults(told)[f"folder {data}-nowhere"]
    assert list(faults(ada("doctor", "--config", home / "other.toml", "--json"))) == ["watch"]


def test_no_output_has_the_token(ada: Agent) -> None:
    told = ada("doctor")
    assert TOKEN not in told.out + told.err


def connect_to(url: str, home: Path) -> None:
    store_portals(home, Portals((Portal("CRYO", url, TOKEN, "CRYO"),), "CRYO"))
