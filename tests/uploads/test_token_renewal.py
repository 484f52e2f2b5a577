"""A manager renews an upload token: the new one goes on where the old one stopped."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.models import AuditEvent, Dataset, User
from tests.uploads.conftest import MakePc, Pc
from uploads.models import UploadToken


@pytest.fixture
def manager(alice: User, sign_in: Any) -> Client:
    client: Client = sign_in(alice)
    return client


def renew(manager: Client, old: Pc, hours: int = 0) -> Pc:
    page = manager.post(
        f"/projects/em/upload-tokens/{old.token.pk}/renew", {"overlap_hours": hours, "expires_on": ""}
    ).content.decode()
    start = page.index("lcu_")
    secret = page[start : start + 47]
    return Pc(secret, UploadToken.objects.get(replaces=old.token))


@pytest.mark.parametrize("has_instrument", [True, False])
def test_a_new_token_goes_on_with_what_the_whole_chain_began(
    manager: Client, make_pc: MakePc, has_instrument: bool
) -> None:
    first = make_pc(
        notification_emails=["em-staff@facility.example"], **({} if has_instrument else {"instrument": None})
    )
    dataset = first.make_dataset(client_key="6f1d7f0c-65d1-4c5e-8d67-3f1a3b8f6f20")
    half = first.start(8, dataset=dataset, sha256=Pc.sha256(b"12345678"))
    assert first.patch(half, 0, b"1234").status_code == 204
    of_the_day = first.create(2, b"ab", path="loose.txt")
    assert of_the_day.status_code == 201
    third = renew(manager, renew(manager, first))
    assert third.token.label == first.token.label
    assert third.token.instrument == first.token.instrument
    assert third.token.notification_emails == ["em-staff@facility.example"]
    assert third.patch(half, 4, b"5678").status_code == 204
    again = third.post("/datasets", {"client_key": "6f1d7f0c-65d1-4c5e-8d67-3f1a3b8f6f20", "title": "A run"})
    assert (again.status_code, again.json()["id"]) == (200, str(dataset.pk))
    assert third.create(2, b"cd", path="loose-2.txt").status_code == 201
    assert Dataset.objects.filter(client_key__startswith="day:").count() == 1
    assert first.get("/connection").json()["code"] == "token_revoked"
    assert AuditEvent.objects.filter(kind="upload_token_renewed").count() == 2


def test_the_old_token_works_until_the_chosen_overlap_is_over(manager: Client, ada: Pc) -> None:
    new = renew(manager, ada, hours=24)
    assert (ada.get("/connection").status_code, new.get("/connection").status_code) == (200, 200)
    ada.token.refresh_from_db()
    assert ada.token.expires_at is not None
    assert ada.token.expires_at - timezone.now() < timedelta(hours=24)
    UploadToken.objects.filter(pk=ada.token.pk).update(created_at=timezone.now() - timedelta(days=3))
    UploadToken.objects.filter(pk=ada.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ada.get("/connection").json()["code"] == "token_expired"


def test_a_token_is_renewed_once_and_others_get_nothing_of_its_chain(manager: Client, ada: Pc, make_pc: MakePc) -> None:
    stranger = make_pc("Glacios", instrument=None)
    dataset = ada.make_dataset()
    renew(manager, ada)
    again = manager.post(f"/projects/em/upload-tokens/{ada.token.pk}/renew", {"overlap_hours": 0})
    assert again.status_code == 422
    assert "renewed already" in again.content.decode()
    assert UploadToken.objects.count() == 3
    assert renew(manager, stranger).get(f"/datasets/{dataset.pk}").status_code == 404
    listed = manager.get("/projects/em/upload-tokens/").content.decode()
    assert listed.count(">Renew<") == 2
