"""A manager makes, sees and revokes upload tokens; nobody else does."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import AuditEvent, Instrument, Project, User
from uploads.models import UploadToken, token_digest

LIST = "/projects/em/upload-tokens/"
NEW = "/projects/em/upload-tokens/new"


@pytest.fixture
def manager(alice: User, sign_in: Any) -> Client:
    client: Client = sign_in(alice)
    return client


def test_the_secret_is_shown_once_with_the_command_that_uses_it(manager: Client, instrument: Instrument) -> None:
    answer = manager.post(
        NEW,
        {
            "label": "Krios 2, control PC",
            "instrument": instrument.pk,
            "notification_emails": "EM-staff@facility.example\nbob@facility.example, bob@facility.example",
            "expires_on": "",
        },
    )
    page = answer.content.decode()
    token = UploadToken.objects.get()
    start = page.index("lcu_")
    secret = page[start : start + 47]
    assert token.digest == token_digest(secret)
    assert f"labcourier connect {settings.PORTAL_URL} --token {secret}" in page
    assert "data-copy" in page
    assert "no-store" in answer["Cache-Control"]
    assert token.notification_emails == ["em-staff@facility.example", "bob@facility.example"]
    assert (token.instrument, token.created_by.email) == (instrument, "alice@facility.example")
    assert AuditEvent.objects.get(kind="upload_token_made").subject == "Krios 2, control PC"
    assert secret not in str(list(AuditEvent.objects.values()))
    assert "lcu_" not in manager.get(LIST).content.decode()
    connection = Client().get("/api/v1/connection", headers={"Authorization": f"Bearer {secret}"})
    assert connection.json()["token_label"] == "Krios 2, control PC"


def test_a_token_works_until_the_end_of_its_last_day(manager: Client) -> None:
    day = timezone.localdate() + timedelta(days=3)
    manager.post(NEW, {"label": "Visitor", "expires_on": day.isoformat()})
    expires_at = UploadToken.objects.get().expires_at
    assert expires_at
    assert timezone.localtime(expires_at).date() == day


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", ""),
        ("label", "x" * 101),
        ("notification_emails", "nobody"),
        ("notification_emails", "a@b.example\nnot an address"),
        ("expires_on", "2020-01-01"),
        ("expires_on", "soon"),
        ("instrument", "999999"),
    ],
)
def test_a_form_that_is_not_right_keeps_what_was_typed(manager: Client, field: str, value: str) -> None:
    answer = manager.post(NEW, {"label": "My label", field: value})
    assert answer.status_code == 422
    assert UploadToken.objects.count() == 0
    assert "Nothing was saved" in answer.content.decode()
    if field != "label":
        assert "My label" in answer.content.decode()


def test_another_projects_instrument_cannot_be_chosen(manager: Client) -> None:
    other = Project.objects.create(code="other", name="Other", contact_email="x@facility.example")
    foreign = Instrument.objects.create(project=other, name="Glacios", slug="glacios")
    assert manager.post(NEW, {"label": "x", "instrument": foreign.pk}).status_code == 422


def test_revoking_asks_first_and_then_holds_at_once(manager: Client, ada: Any) -> None:
    address = f"{LIST}{ada.token.pk}/revoke"
    assert "can send nothing more" in manager.get(address).content.decode()
    assert ada.get("/connection").status_code == 200
    assert manager.post(address).status_code == 302
    assert manager.post(address).status_code == 302
    assert ada.get("/connection").json()["code"] == "token_revoked"
    assert AuditEvent.objects.filter(kind="upload_token_revoked").count() == 1
    assert "revoked" in manager.get(LIST).content.decode()


def test_the_list_shows_use_and_state(manager: Client, ada: Any, make_pc: Any) -> None:
    ada.get("/connection")
    make_pc(label="Never used")
    page = manager.get(LIST).content.decode()
    assert "127.0.0.1" in page
    assert "never" in page


def test_an_empty_list_says_what_to_do(manager: Client) -> None:
    assert "No upload tokens yet" in manager.get(LIST).content.decode()


def test_the_list_costs_the_same_for_many_tokens(
    manager: Client, make_pc: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_pc(label=f"PC {number}")
    with django_assert_max_num_queries(12):
        manager.get(LIST)


def test_hostile_labels_are_text(manager: Client, make_pc: Any) -> None:
    make_pc(label="<script>alert(1)</script>")
    assert "<script>alert" not in manager.get(LIST).content.decode()


@pytest.mark.parametrize("address", [LIST, NEW, f"{LIST}1/revoke"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_members_are_403_strangers_404_and_visitors_log_in(
    ada: Any, bob: User, charlie: User, sam: User, sign_in: Any, address: str, method: str
) -> None:
    address = address.replace("/1/", f"/{ada.token.pk}/")
    assert getattr(sign_in(bob), method)(address).status_code in (
        (403,) if address != LIST or method == "get" else (405,)
    )
    assert getattr(sign_in(charlie), method)(address).status_code in (404, 405)
    answer = getattr(Client(), method)(address)
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
    assert UploadToken.objects.filter(revoked_at=None).count() == 1
    if method == "get":
        assert sign_in(sam).get(address).status_code == 200
