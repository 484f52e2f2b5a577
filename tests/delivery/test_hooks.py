"""A program elsewhere is told of verified files: signed, tried again, never by way of our own network."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.utils import timezone

from delivery import web_calls
from delivery.models import FileToTell, Hook, HookMessage
from delivery.services.hook_calls import tell_next
from delivery.services.hooks import make_hook, remove_hook, start_again
from delivery.web_calls import CallFailed, is_public, post
from portal.actors import Actor
from portal.models import AuditEvent, Dataset, Notice, Project, User
from tests.bundle_samples import Sample
from tests.conftest import Bells, SignIn
from tests.uploads import conftest as uploads
from tests.uploads.test_bundles import send_bundle

make_pc, ada, dataset = uploads.make_pc, uploads.ada, uploads.dataset


class Receiver(ThreadingHTTPServer):
    """Keeps what it got; answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiving)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status, self.headers = 200, {"Content-Length": "2"}
        self.url = f"http://127.0.0.1:{self.server_port}/arrived?key=1"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


class Receiving(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.HOOK_HOSTS = ["127.0.0.1"]
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def hook(project: Project, receiver: Receiver, alice: User) -> Hook:
    return make_hook(project=project, url=receiver.url, actor=Actor.of_user(alice))[0]


def later(**passed: float) -> Any:
    return lambda: timezone.now() + timedelta(**passed)


def signature_of(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As the receiver computes it."""
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.split("_")[1])
    return "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


def test_alice_makes_a_hook_and_it_is_told_of_files_in_batches(
    ada: Any, dataset: Dataset, project: Project, receiver: Receiver, alice: User, sign_in: SignIn, bells: Bells
) -> None:
    client = sign_in(alice)
    ada.send(dataset, "before.dat", b"nobody is told")
    bells.run()
    page = client.post("/projects/em/hooks/new", {"url": receiver.url}).content.decode()
    secret = "whsec_" + page.split("whsec_")[1].split("<")[0]
    for number in range(10):
        ada.send(dataset, f"run 1/{number}.dat", b"%d" % number)
    send_bundle(ada, dataset, [Sample("ä/a.tif", b"0123"), Sample("ä/b.tif", b"")])
    bells.run()
    told = [file for body in receiver.bodies() for file in body["data"]["files"]]
    assert sorted(file["path"] for file in told) == sorted(
        ["ä/a.tif", "ä/b.tif", *(f"run 1/{number}.dat" for number in range(10))]
    )
    assert len(receiver.got) < 4, "many files travel in one message"
    one = next(file for file in told if file["path"] == "ä/a.tif")
    assert (one["size"], one["sha256"]) == (4, hashlib.sha256(b"0123").hexdigest())
    assert receiver.bodies()[0]["data"]["dataset"]["name"] == dataset.name
    for headers, body in receiver.got:
        assert headers["webhook-signature"] == signature_of(secret, headers, body)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    shown = client.get(f"/projects/em/hooks/{Hook.objects.get().pk}/").content.decode()
    assert "200" in shown
    assert secret not in shown
    assert not FileToTell.objects.exists()
    assert "key=1" not in json.dumps(list(AuditEvent.objects.filter(kind="hook_made").values("subject", "detail")))


def test_what_failed_is_sent_again_as_the_same_message(
    ada: Any, dataset: Dataset, receiver: Receiver, hook: Hook, bells: Bells
) -> None:
    receiver.status = 503
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    ada.send(dataset, "b.dat", b"b")
    bells.run()
    assert len(receiver.got) == 1, "not before a minute has passed"
    receiver.status = 204
    assert tell_next(clock=later(minutes=1.1))
    assert not tell_next(clock=later(minutes=10))
    (first, body), (second, again), (third, _) = receiver.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert third["webhook-id"] != first["webhook-id"]
    hook.refresh_from_db()
    assert (hook.failing_since, hook.reason, hook.attempts) == (None, "", 0)


def test_a_hook_that_fails_for_days_is_stopped_and_told_of_once(
    ada: Any,
    dataset: Dataset,
    receiver: Receiver,
    hook: Hook,
    alice: User,
    sign_in: SignIn,
    bells: Bells,
    settings: Any,
) -> None:
    settings.HOOK_DAYS, receiver.status = 2, 500
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    assert tell_next(clock=later(days=1.9))
    assert not Notice.objects.filter(kind="hook-stopped").exists()
    assert tell_next(clock=later(days=2.1))
    hook.refresh_from_db()
    assert (hook.state, hook.reason) == ("stopped", "It answered 500.")
    assert set(Notice.objects.filter(kind="hook-stopped").values_list("to", flat=True)) == {
        alice.email, hook.project.contact_email,
    }  # fmt: skip
    ada.send(dataset, "unheard.dat", b"b")
    bells.run()
    assert not tell_next(clock=later(days=4))
    client = sign_in(alice)
    assert "It was stopped: It answered 500." in client.get(f"/projects/em/hooks/{hook.pk}/").content.decode()
    receiver.status = 200
    client.post(f"/projects/em/hooks/{hook.pk}/start")
    bells.run()
    assert [file["path"] for file in receiver.bodies()[-1]["data"]["files"]] == ["a.dat"]
    assert AuditEvent.objects.filter(kind="hook_started").count() == 1


def test_a_hook_that_says_it_is_gone_is_stopped_at_once(
    ada: Any, dataset: Dataset, receiver: Receiver, hook: Hook, bells: Bells, alice: User
) -> None:
    receiver.status = 410
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    hook.refresh_from_db()
    assert hook.state == "stopped"
    assert start_again(hook=hook, actor=Actor.of_user(alice))
    assert remove_hook(hook=hook, actor=Actor.of_user(alice), now=timezone.now())
    assert not HookMessage.objects.exists()


def test_a_worker_that_dies_leaves_the_message_to_the_next(
    ada: Any, dataset: Dataset, receiver: Receiver, hook: Hook, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("delivery.services.hook_calls.post", killed)
        ada.send(dataset, "a.dat", b"a")
        with pytest.raises(KeyboardInterrupt):
            bells.run()
    assert not tell_next(clock=timezone.now), "the dead one holds it still"
    assert tell_next(clock=later(minutes=3))
    assert [file["path"] for body in receiver.bodies() for file in body["data"]["files"]] == ["a.dat"]


def test_a_test_is_sent_at_once(receiver: Receiver, hook: Hook, alice: User, sign_in: SignIn) -> None:
    client = sign_in(alice)
    page = client.post(f"/projects/em/hooks/{hook.pk}/test", follow=True).content.decode()
    assert "It was taken: the answer was 200" in page
    receiver.status, receiver.headers = 302, {"Location": receiver.url, "Content-Length": "2"}
    page = client.post(f"/projects/em/hooks/{hook.pk}/test", follow=True).content.decode()
    assert "It was not taken. The answer was 302" in page
    assert [body["type"] for body in receiver.bodies()] == ["test", "test"], "redirections are not followed"
    assert not tell_next(clock=timezone.now), "a test is not sent again"


@pytest.mark.parametrize(
    "url",
    [
        "http://processing.example.org/",
        "https://rita:secret@processing.example.org/",
        "https://127.0.0.1:8000/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0/",
    ],
)
def test_the_portals_own_network_is_not_called(url: str, alice: User, project: Project, sign_in: SignIn) -> None:
    answer = sign_in(alice).post("/projects/em/hooks/new", {"url": url})
    assert answer.status_code == 422
    assert not Hook.objects.exists()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
    ],
)
def test_addresses_that_stand_for_others_are_judged_by_both(address: str, public: bool) -> None:
    assert is_public(address) == public


def test_a_name_is_looked_up_once_and_judged_as_connected(
    receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time is not asked a second time."""
    real, answers = socket.getaddrinfo, iter(["10.0.0.1", "127.0.0.1", "10.0.0.1"])

    def answer(host: str, port: int, *args: Any, **given: Any) -> Any:
        return real(next(answers) if host == "hook.example.org" else host, port, *args, **given)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    url = f"http://hook.example.org:{receiver.server_port}/"
    with pytest.raises(CallFailed, match="not on the public network"):
        post(url, b"", {})
    settings.HOOK_HOSTS = ["hook.example.org"]
    assert post(url, b"{}", {"webhook-id": "1"}).status == 200
    assert receiver.got[0][0]["host"] == f"hook.example.org:{receiver.server_port}"
    assert list(answers) == ["10.0.0.1"]


def test_the_certificate_must_be_that_of_the_name(
    receiver: Receiver, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Although the connection goes to an address."""
    key, certificate = self_signed("hook.example.org")
    (tmp_path / "both.pem").write_bytes(key + certificate)
    (tmp_path / "trusted.pem").write_bytes(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, port, *args, **given: real("127.0.0.1", port))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    settings.HOOK_HOSTS = ["hook.example.org", "other.example.org"]
    assert post(f"https://hook.example.org:{receiver.server_port}/", b"{}", {}).status == 200
    with pytest.raises(CallFailed, match="not valid for 'other"):
        post(f"https://other.example.org:{receiver.server_port}/", b"{}", {})


def self_signed(name: str) -> tuple[bytes, bytes]:
    """Key and certificate, PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), timezone.now()
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(called, called, key.public_key(), 1, now, now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return written, made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_an_answer_that_never_ends_is_cut(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HOOK_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(web_calls, "_WHOLE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_drip, args=[listening], daemon=True).start()
        begun = time.monotonic()
        with pytest.raises(CallFailed, match="did not answer as it should"):
            post(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"", {})
        assert time.monotonic() - begun < 60  # of a hundred that it would take


def _drip(listening: socket.socket) -> None:
    line = listening.accept()[0]
    try:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
            line.sendall(bytes([byte]))
            time.sleep(0.1)
    except OSError:
        line.close()
