"""Who may send: tokens that work, tokens that do not, people with a session, strangers."""

from base64 import b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from portal.models import Dataset, Instrument, Membership, Project, User
from uploads.models import Upload, UploadToken

CREATION = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}


def knock(secret: str, *, scheme: str = "Bearer") -> list[HttpResponse]:
    """The API and the tus endpoint, asked with one secret."""
    headers = {"Authorization": f"{scheme} {secret}"}
    return [
        Client().get("/api/v1/connection", headers=headers),  # type: ignore[list-item]
        Client().post("/tus/", headers=CREATION | headers),  # type: ignore[list-item]
    ]


def assert_refused(answers: list[HttpResponse], code: str) -> None:
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (401, code)  # type: ignore[attr-defined]
        assert "lcu_" not in answer.content.decode().replace("lcu_…", "")


@pytest.mark.parametrize(
    "secret", ["lcu_" + "x" * 43, "lcu_", "", "x", "lcu_" + "x" * 8000, "lcu_é", "lcu_\u0301", "lcu_' OR 1=1"]
)
def test_a_token_nobody_made_is_401(db: None, secret: str) -> None:
    assert_refused(knock(secret.encode().decode("latin-1")), "token_unknown")


def test_another_scheme_is_401(ada: Any) -> None:
    assert_refused(knock(ada.secret, scheme="Basic"), "token_unknown")


def test_no_credentials_are_401(db: None) -> None:
    assert Client().get("/api/v1/connection").json()["code"] == "not_signed_in"
    answer = Client().post("/tus/", headers=CREATION)
    assert (answer.status_code, answer["Tus-Resumable"]) == (401, "1.0.0")


def test_a_revoked_token_is_401_from_the_next_request_on(ada: Any, dataset: Dataset) -> None:
    address = ada.start(10, dataset=dataset)
    UploadToken.objects.update(revoked_at=timezone.now())
    assert_refused(knock(ada.secret), "token_revoked")
    assert ada.patch(address, 0, b"0123").json()["code"] == "token_revoked"


def test_an_expired_token_is_401(make_pc: Any) -> None:
    pc = make_pc(expires_at=timezone.now() + timedelta(hours=1))
    assert pc.get("/connection").status_code == 200
    UploadToken.objects.update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert_refused(knock(pc.secret), "token_expired")


def test_only_a_digest_of_the_token_is_stored(ada: Any) -> None:
    row = UploadToken.objects.values().get()
    assert ada.secret not in str(row)
    assert len(row["digest"]) == 64


def test_use_is_noted_once_a_minute(ada: Any, instrument: Instrument) -> None:
    ada.get("/connection")
    first = UploadToken.objects.get().last_used_at
    assert first is not None
    ada.get("/connection")
    assert UploadToken.objects.get().last_used_at == first
    instrument.refresh_from_db()
    assert instrument.last_contact_at == first
    assert instrument.last_contact_from.endswith("at 127.0.0.1")


def test_a_token_sends_into_its_project_only(ada: Any) -> None:
    Project.objects.create(code="other", name="Other", contact_email="x@facility.example")
    answer = ada.post("/datasets", {"client_key": str(uuid4()), "title": "A", "project": "other"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_another_instruments_dataset_does_not_exist(ada: Any, dataset: Dataset, make_pc: Any, project: Project) -> None:
    address = ada.start(10, dataset=dataset)
    other = make_pc(instrument=Instrument.objects.create(project=project, name="Glacios", slug="glacios"))
    assert other.get(f"/datasets/{dataset.pk}").status_code == 404
    assert other.get("/datasets").json()["datasets"] == []
    assert other.announce(dataset, {"path": "x", "size": 1}).status_code == 404
    assert other.close(dataset).status_code == 404
    assert other.create(1, b"x", dataset=dataset).status_code == 404
    for method in ("HEAD", "DELETE"):
        assert other.tus(method, address).status_code == 404
    assert other.patch(address, 0, b"0123").status_code == 404
    assert Upload.objects.get().offset == 0


def test_a_new_token_of_the_instrument_goes_on_where_the_old_one_was(ada: Any, dataset: Dataset, make_pc: Any) -> None:
    address = ada.start(10, dataset=dataset)
    UploadToken.objects.update(revoked_at=timezone.now())
    newer = make_pc(label="Krios 2, new PC")
    assert newer.patch(address, 0, b"0123456789").status_code == 204
    assert newer.get(f"/datasets/{dataset.pk}").status_code == 200


def test_generic_clients_send_into_the_dataset_of_the_day(ada: Any, worker: Any) -> None:
    for name in ("a.tif", "b.tif"):
        answer = ada.create(5, b"01234", path=None, filename=name, relativePath="null")
        assert answer.status_code == 201, answer.content
    dataset = Dataset.objects.get()
    assert dataset.title.startswith("Krios 2, control PC, ")
    assert sorted(dataset.files.values_list("path", flat=True)) == ["a.tif", "b.tif"]
    ada.announce(dataset, *[{"path": n, "size": 5, "sha256": ada.sha256(b"01234")} for n in ("a.tif", "b.tif")])
    worker()
    assert ada.close(dataset).json()["state"] == "released"
    ada.create(5, b"01234", path=None, relativePath="run/a.tif", filename="a.tif")
    assert Dataset.objects.count() == 2
    assert Dataset.objects.get(state="open").files.get().path == "run/a.tif"


# --- people


def signed_in(user: User) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def csrf(client: Client) -> dict[str, str]:
    client.get("/accounts/password/change/")
    return {"X-CSRFToken": client.cookies["csrftoken"].value}


def make(client: Client, headers: dict[str, str], project: str | None = "em") -> Any:
    wish = {"client_key": str(uuid4()), "title": "From the browser", "project": project}
    return client.post("/api/v1/datasets", wish, content_type="application/json", headers=headers)


def test_an_operator_sends_from_the_browser(bob: User, project: Project) -> None:
    client = signed_in(bob)
    headers = csrf(client)
    made = make(client, headers)
    assert made.status_code == 201
    dataset = Dataset.objects.get()
    assert (dataset.sent_by, dataset.operator_emails) == ("bob@facility.example", ["bob@facility.example"])
    metadata = "dataset " + b64encode(str(dataset.pk).encode()).decode() + ",path YQ=="
    answer = client.post(
        "/tus/",
        b"01234",
        content_type="application/offset+octet-stream",
        headers=CREATION | headers | {"Upload-Metadata": metadata},
    )
    assert answer.status_code == 201
    assert client.head(answer["Location"], headers={"Tus-Resumable": "1.0.0"})["Upload-Offset"] == "5"


def test_a_session_without_its_csrf_token_is_refused(bob: User, project: Project) -> None:
    client = signed_in(bob)
    assert make(client, {}).json()["code"] == "csrf"
    answer = client.generic("POST", "/tus/", headers=CREATION)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    assert Dataset.objects.count() == 0


def test_a_form_is_refused_before_it_is_read(bob: User) -> None:
    client = signed_in(bob)
    answer = client.post("/tus/", {"a": "b"}, headers=CREATION | csrf(client))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_strangers_and_viewers_cannot_send(charlie: User, make_user: Any, project: Project) -> None:
    viewer = make_user("vera@facility.example")
    Membership.objects.create(project=project, user=viewer, role=Membership.Role.VIEWER)
    for person in (charlie, viewer):
        client = signed_in(person)
        headers = csrf(client)
        assert make(client, headers).status_code == 404
        assert make(client, headers, project=None).status_code == 404
    assert Dataset.objects.count() == 0


def test_a_strangers_view_of_a_dataset_is_404(ada: Any, dataset: Dataset, charlie: User) -> None:
    client = signed_in(charlie)
    headers = csrf(client)
    address = ada.start(10, dataset=dataset)
    close = f"/api/v1/datasets/{dataset.pk}/close"
    assert client.get(f"/api/v1/datasets/{dataset.pk}").status_code == 404
    assert client.post(close, content_type="application/json", headers=headers).status_code == 404
    assert client.head(address, headers={"Tus-Resumable": "1.0.0"}).status_code == 404
    assert client.delete(address, headers={"Tus-Resumable": "1.0.0"} | headers).status_code == 404


def test_a_person_must_say_which_dataset(bob: User, project: Project) -> None:
    client = signed_in(bob)
    answer = client.generic("POST", "/tus/", headers=CREATION | csrf(client))
    assert answer.status_code == 422
