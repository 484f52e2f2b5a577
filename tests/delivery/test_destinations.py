"""Storage elsewhere is registered once, after a real round trip; its secrets are never seen again."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core import serializers

from delivery import vault
from delivery.models import Destination
from delivery.rclone import RcloneFailed, Remote, obscured, run
from delivery.services.destinations import remote_of
from portal.errors import Conflict
from portal.models import AuditEvent, Project, User
from portal.stores.declared import S3Settings
from tests.conftest import SignIn
from tests.delivery.servers import PASSWORD, s3_fields, served, sftp_fields, webdav_fields
from tests.object_store import SECRET, bucket_settings

NEW = "/projects/em/destinations/new/"


@pytest.fixture
def bob_s(bob: User, sign_in: SignIn) -> Any:
    return sign_in(bob)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.parametrize("protocol", ["sftp", "webdav"])
def test_a_server_is_registered_after_a_round_trip(
    protocol: str, bob_s: Any, tmp_path: Path, loopback_allowed: None
) -> None:
    with served(protocol, tmp_path / "theirs") as server:
        fields = sftp_fields(server) if protocol == "sftp" else webdav_fields(server)
        answer = bob_s.post(NEW + protocol, fields, follow=True)
    assert "“Archive” works" in text_of(answer)
    assert PASSWORD not in text_of(answer)
    made = Destination.objects.get()
    assert remote_of(made).path == "in"
    assert not [path for path in (tmp_path / "theirs").rglob("*") if path.is_file()]
    kept = serializers.serialize("json", [made]) + json.dumps(list(AuditEvent.objects.values("detail", "subject")))
    assert PASSWORD not in kept
    assert [event.kind for event in AuditEvent.objects.filter(kind__startswith="destination")] == ["destination_made"]


def test_a_bucket_is_registered_after_a_round_trip(bob_s: Any, s3_server: S3Settings, loopback_allowed: None) -> None:
    fields = s3_fields(bucket_settings(s3_server.endpoint))
    assert "“Archive” works" in text_of(bob_s.post(NEW + "s3", fields, follow=True))
    assert SECRET not in serializers.serialize("json", Destination.objects.all())


def test_a_server_that_shows_another_key_later_is_refused(bob_s: Any, tmp_path: Path, loopback_allowed: None) -> None:
    other = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    with served("sftp", tmp_path / "theirs") as server:
        bob_s.post(NEW + "sftp", sftp_fields(server))
        remote = remote_of(Destination.objects.get())
        assert remote.options["host_keys"]
        run("lsf", "dest:", remotes={"dest": remote})
        with pytest.raises(RcloneFailed, match="key"):
            run("lsf", "dest:", remotes={"dest": Remote({**remote.options, "host_keys": other})})


def test_a_wrong_password_is_told_and_nothing_is_saved(bob_s: Any, tmp_path: Path, loopback_allowed: None) -> None:
    with served("webdav", tmp_path / "theirs") as server:
        answer = bob_s.post(NEW + "webdav", webdav_fields(server) | {"password": "a wrong secret of mine"})
    assert answer.status_code == 422
    assert "The portal could not write a file there" in text_of(answer)
    assert "a wrong secret of mine" not in text_of(answer)
    assert not Destination.objects.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0"])
def test_the_portals_own_machine_is_no_destination(host: str, bob_s: Any) -> None:
    fields = {"name": "x", "host": host, "port": "22", "user": "u", "password": "p"}
    answer = bob_s.post(NEW + "sftp", fields)
    assert answer.status_code == 422
    assert not Destination.objects.exists()


@pytest.mark.parametrize(
    ("section", "why"),
    [
        ("type = local", "must name one of these"),
        ("type = alias\nremote = /etc", "must name one of these"),
        ("type = crypt\nremote = x:", "must name one of these"),
        ("type = sftp\nhost = h.example.org\nssh = sh -c id", "concerns the portal"),
        ("type = webdav\nurl = https://h.example.org\nbearer_token_command = id", "concerns the portal"),
        ("type = sftp\nhost = h.example.org\nkey_file = /etc/passwd", "concerns the portal"),
        ("type = s3\nenv_auth = true", "concerns the portal"),
        ("type = drive\nservice_account_file = /etc/passwd", "concerns the portal"),
        ("[a]\ntype = drive\n[b]\ntype = local", "one section only"),
        ("no lines at all", "name = value"),
        ("type = sftp\nhost = 127.0.0.1\nuser = u", "own machine"),
        ("type = webdav\nurl = http://localhost:6379", "own machine"),
    ],
)
def test_a_pasted_section_does_not_lead_into_the_portals_machine(section: str, why: str, bob_s: Any) -> None:
    answer = bob_s.post(NEW + "rclone", {"name": "x", "section": section})
    assert answer.status_code == 422
    assert why in text_of(answer)
    assert not Destination.objects.exists()


def test_a_pasted_section_is_a_destination(bob_s: Any, tmp_path: Path, loopback_allowed: None) -> None:
    with served("webdav", tmp_path / "theirs") as server:
        fields = webdav_fields(server)
        section = f"[box]\ntype = webdav\nurl = {fields['url']}\nuser = rita\npass = {obscured(PASSWORD)}\n"
        answer = bob_s.post(NEW + "rclone", {"name": "Box", "section": section, "folder": "a/b"}, follow=True)
    assert "“Box” works" in text_of(answer)


def test_a_mounted_folder_is_for_staff_and_below_what_the_site_allows(
    bob_s: Any, sam: User, project: Project, sign_in: SignIn, tmp_path: Path, settings: Any
) -> None:
    settings.DESTINATION_MOUNTS = [tmp_path / "mnt"]
    (tmp_path / "mnt").mkdir()
    fields = {"name": "Disk", "mount": str(tmp_path / "mnt"), "folder": "data"}
    assert bob_s.post(NEW + "mount", fields).status_code == 404
    staff = sign_in(sam)
    assert staff.post(NEW + "mount", fields | {"mount": "/etc"}).status_code == 422
    assert staff.post(NEW + "mount", fields | {"folder": "../.."}).status_code == 422
    assert "“Disk” works" in text_of(staff.post(NEW + "mount", fields, follow=True))


def test_removing_a_destination_forgets_its_secrets(bob_s: Any, tmp_path: Path, loopback_allowed: None) -> None:
    with served("webdav", tmp_path / "theirs") as server:
        bob_s.post(NEW + "webdav", webdav_fields(server))
    made = Destination.objects.get()
    assert made.place in text_of(bob_s.get("/projects/em/destinations/"))
    bob_s.post(f"/projects/em/destinations/{made.pk}/remove")
    made.refresh_from_db()
    assert (made.locked, made.removed_at is None) == ("", False)
    assert made.place not in text_of(bob_s.get("/projects/em/destinations/"))


def test_keys_are_changed_one_after_the_other(settings: Any) -> None:
    settings.DESTINATION_KEYS = ["old" * 20]
    locked = vault.lock_away({"password": "x"})
    settings.DESTINATION_KEYS = ["new" * 20, "old" * 20]
    assert vault.unlock(locked) == {"password": "x"}
    settings.DESTINATION_KEYS = ["new" * 20]
    with pytest.raises(Conflict, match="LABCOURIER_DESTINATION_KEYS"):
        vault.unlock(locked)


def test_nothing_secret_stands_on_a_command_line_and_nothing_of_ours_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: dict[str, Any] = {}

    def look(command: list[str], **given: Any) -> Any:
        seen.update(given, command=command)
        raise RuntimeError

    monkeypatch.setenv("LABCOURIER_SECRET_KEY", "ours")
    monkeypatch.setattr("delivery.rclone.subprocess.run", look)
    with pytest.raises(RuntimeError):
        run("lsf", "dest:", remotes={"dest": Remote({"type": "s3", "secret_access_key": SECRET})})
    assert SECRET not in " ".join(map(str, seen["command"]))
    assert seen["env"]["RCLONE_CONFIG_DEST_SECRET_ACCESS_KEY"] == SECRET
    assert "LABCOURIER_SECRET_KEY" not in seen["env"]
