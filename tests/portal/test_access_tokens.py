"""Programs that speak for a person: what their token opens, and what ends it."""

import re
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.access_tokens import person_of
from portal.actors import Actor
from portal.models import AccessToken, AuditEvent, Project, User
from portal.services.access_tokens import make_access_token, revoke_access_token
from tests.conftest import SignIn

PAGE = "/access-tokens/"


def token_for(person: User, scope: str = "read") -> tuple[AccessToken, str]:
    return make_access_token(
        actor=Actor.of_user(person), label="laptop", scope=scope, lifetime=timedelta(days=365), now=timezone.now()
    )


def ask(secret: str, path: str = "/api/v1/me", email: str = "", address: str = "127.0.0.1") -> Any:
    basic = b64encode(f"{email}:{secret}".encode()).decode()
    header = f"Basic {basic}" if email else f"Bearer {secret}"
    return Client(REMOTE_ADDR=address).get(path, headers={"Authorization": header})


def test_a_person_makes_a_token_sees_its_use_and_takes_it_back(alice: User, sign_in: SignIn) -> None:
    browser = sign_in(alice)
    page = browser.post(PAGE, {"label": "laptop", "scope": "read", "days": "365"}).content.decode()
    secret = page[page.index("lcp_") :][:47]
    assert re.fullmatch(r"lcp_[\w-]{43}", secret)
    assert "lcp_" not in browser.get(PAGE).text
    assert "never" in browser.get(PAGE).text
    assert ask(secret, address="192.0.2.7").json()["email"] == alice.email
    assert "from 192.0.2.7" in browser.get(PAGE).text
    row = AccessToken.objects.get()
    assert 364 < (row.expires_at - timezone.now()).days + 1 <= 365
    assert secret not in str(AccessToken.objects.values().get())
    browser.post(f"{PAGE}{row.pk}/revoke")
    assert ask(secret).json()["code"] == "token_revoked"
    kinds = AuditEvent.objects.order_by("id").values_list("kind", "actor")
    assert list(kinds) == [("access_token_made", alice.email), ("access_token_revoked", alice.email)]
    assert secret not in str(list(AuditEvent.objects.values()))


def test_nobody_revokes_the_token_of_another_person(alice: User, bob: User, sign_in: SignIn) -> None:
    token, secret = token_for(alice)
    assert sign_in(bob).post(f"{PAGE}{token.pk}/revoke").status_code == 404
    assert ask(secret).status_code == 200


def test_a_token_opens_what_its_person_may_see(
    alice: User, charlie: User, sam: User, project: Project, make_dataset: Any
) -> None:
    dataset = make_dataset(title="Run 1")
    for person, seen in ((alice, ["em"]), (charlie, []), (sam, ["em"])):
        secret = token_for(person)[1]
        assert [one["code"] for one in ask(secret, "/api/v1/me/projects").json()["projects"]] == seen
        names = [one["name"] for one in ask(secret, "/api/v1/me/datasets?project=em").json()["datasets"]]
        assert names == ([dataset.name] if seen else [])
        assert ask(secret, f"/api/v1/me/datasets/{dataset.pk}").status_code == (200 if seen else 404)


def test_datasets_are_told_newest_first_page_by_page(alice: User, make_dataset: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("portal.api_member._DATASETS_A_PAGE", 2)
    made = [make_dataset().name for _ in range(5)]
    secret = token_for(alice)[1]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ask(secret, f"/api/v1/me/datasets?cursor={cursor}").json()
        seen, cursor = seen + [one["name"] for one in page["datasets"]], page["next"]
    assert seen == made[::-1]
    assert ask(secret, "/api/v1/me/datasets?cursor=nonsense").status_code == 422


def test_programs_may_give_address_and_token_as_user_and_password(alice: User, bob: User) -> None:
    secret = token_for(alice)[1]
    assert ask(secret, email=alice.email.upper()).status_code == 200
    assert ask(secret, email=bob.email).json()["code"] == "token_unknown"
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {secret}"})
    assert person_of(request) == alice
    assert person_of(RequestFactory().get("/")) is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic !", "Basic /w==", "Digest x", "Bearer lcp_é", "x"])
def test_what_is_no_token_is_401(db: None, header: str) -> None:
    answer = Client().get("/api/v1/me", headers={"Authorization": header.encode().decode("latin-1")})
    assert answer.status_code == 401, answer.content


def test_an_expired_token_says_so(alice: User) -> None:
    secret = token_for(alice)[1]
    past = timezone.now() - timedelta(days=2)
    AccessToken.objects.update(created_at=past, expires_at=past + timedelta(days=1))
    assert ask(secret).json()["code"] == "token_expired"


def test_the_token_of_an_account_that_is_switched_off_is_dead(alice: User) -> None:
    secret = token_for(alice)[1]
    User.objects.update(is_active=False)
    assert ask(secret).status_code == 401
    User.objects.update(is_active=True)
    assert ask(secret).status_code == 200


@pytest.mark.usefixtures("no_second_passes")
def test_who_guesses_has_to_wait_and_a_right_token_never_does(alice: User) -> None:
    secret = token_for(alice)[1]
    answers = [ask("lcp_" + "x" * 43, address="192.0.2.66").status_code for _ in range(6)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert ask(secret, address="192.0.2.66").status_code == 200
    assert ask("lcp_" + "x" * 43, address="192.0.2.67").status_code == 401


def test_a_personal_token_sends_no_data(alice: User) -> None:
    answer = ask(token_for(alice, "share")[1], "/api/v1/connection")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert "upload token" in answer.json()["message"]


def test_tokens_that_work_are_bounded(alice: User, sign_in: SignIn, monkeypatch: Any) -> None:
    monkeypatch.setattr("portal.services.access_tokens.MOST_TOKENS", 1)
    token, _ = token_for(alice)
    answer = sign_in(alice).post(PAGE, {"label": "another", "scope": "read", "days": "30"})
    assert answer.status_code == 422
    assert "Revoke one" in answer.text
    revoke_access_token(token=token, actor=Actor.of_user(alice), now=timezone.now())
    assert "is ready" in sign_in(alice).post(PAGE, {"label": "another", "scope": "read", "days": "30"}).text


def test_a_request_with_a_token_costs_one_query_more_and_its_use_one_a_minute(alice: User) -> None:
    secret = token_for(alice)[1]
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert ask(secret).status_code == 200
        counts.append(len(queries))
    assert counts == [2, 1]


def test_projects_cost_the_same_for_one_and_for_many(sam: User) -> None:
    secret = token_for(sam)[1]
    for number in range(3):
        Project.objects.create(code=f"p{number}", name="P", contact_email="p@facility.example")
    ask(secret)
    with CaptureQueriesContext(connection) as queries:
        assert len(ask(secret, "/api/v1/me/projects").json()["projects"]) == 3
    assert len(queries) <= 3
