"""A link may ask for a password: on its page once, of programs in each request, at every address below it."""

import base64

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client

from sharing.models import ShareLink
from tests.sharing.conftest import MakeLink, Visitor

pytestmark = pytest.mark.django_db
PASSWORD = "grüne Wiese 7"
HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
BELOW = [
    "/{name}.zip", "/files/notes.txt", "/tree/", "/tree/notes.txt", "/manifest-sha256.txt", "/selection?in=Grid%201",
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    cache.clear()


@pytest.fixture
def visitor(dataset: object, make_link: MakeLink) -> Visitor:
    link = make_link(dataset)
    ShareLink.objects.filter(pk=link.pk).update(password_hash=make_password(PASSWORD))
    link.refresh_from_db()
    return Visitor(link)


def basic(password: str, user: str = "anybody") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def api(visitor: Visitor, below: str = "") -> str:
    return f"/api/v1/shared{visitor.address.removeprefix('/s')}{below}"


def test_without_the_password_no_address_gives_anything(visitor: Visitor) -> None:
    for below in ("", *BELOW):
        answer = visitor.get(below.format(name=visitor.name))
        assert (answer.status_code, answer["WWW-Authenticate"][:6]) == (401, "Basic "), below
        assert b"Lysozyme" not in answer.body
    for path in (api(visitor), api(visitor, "/files")):
        answer = visitor.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "password_wanted")
        assert "WWW-Authenticate" in answer
    named = {"files": [{"path": "notes.txt", "sha256": "0" * 64}]}
    for below in ("/bundle", "/verified"):
        assert visitor.client.post(api(visitor, below), named, "application/json").status_code == 401
    assert visitor.state() == ShareLink.State.NOT_OPENED


def test_a_browser_says_it_once_and_a_new_password_asks_again(visitor: Visitor) -> None:
    for below in BELOW:
        answer = visitor.get(below.format(name=visitor.name), **HTML)
        assert (answer.status_code, answer["Location"]) == (302, visitor.address)
    page = visitor.get(**HTML)
    assert page.status_code == 200
    assert "This link has a password" in page.body.decode()
    assert "Lysozyme" not in page.body.decode()
    wrong = visitor.client.post(f"{visitor.address}/password", {"password": "guess"})
    assert wrong.status_code == 422
    assert "This is not the password of this link" in wrong.content.decode()
    assert visitor.client.post(f"{visitor.address}/password", {"password": PASSWORD}).status_code == 302
    assert "Lysozyme" in visitor.get(**HTML).body.decode()
    assert visitor.get_zip().status_code == 200
    ShareLink.objects.filter(pk=visitor.link.pk).update(password_hash=make_password("another one"))
    assert "This link has a password" in visitor.get(**HTML).body.decode()
    assert visitor.get_zip().status_code == 401


def test_a_program_gives_it_with_any_name_in_each_request(visitor: Visitor) -> None:
    for user in ("rita", ""):
        assert visitor.get_zip(authorization=basic(PASSWORD, user)).status_code == 200
    assert visitor.client.get(api(visitor), headers={"authorization": basic(PASSWORD)}).status_code == 200
    assert visitor.get_zip().status_code == 401
    for broken in ("Basic", "Basic %%%", "Basic /w==", "Bearer x", basic("wrong")):
        assert visitor.get_zip(authorization=broken).status_code == 401


@pytest.mark.usefixtures("no_second_passes")
def test_guessing_is_slowed_for_the_guesser_and_for_nobody_else(visitor: Visitor) -> None:
    seen = [visitor.get_zip(authorization=basic(f"guess {number}")).status_code for number in range(6)]
    assert seen == [401, 401, 401, 429, 429, 429]
    refused = visitor.get_zip(authorization=basic(PASSWORD))
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    other = Client(REMOTE_ADDR="198.51.100.9")
    answer = other.get(f"{visitor.address}/files/notes.txt", headers={"authorization": basic(PASSWORD)})
    assert answer.status_code == 200


def test_who_has_said_it_is_not_slowed_by_guesses_from_the_same_place(visitor: Visitor) -> None:
    assert visitor.get_zip(authorization=basic(PASSWORD)).status_code == 200
    for number in range(5):
        visitor.get_zip(authorization=basic(f"guess {number}"))
    assert visitor.get_zip(authorization=basic(PASSWORD)).status_code == 200


def test_a_password_of_one_link_opens_no_other(visitor: Visitor, make_link: MakeLink) -> None:
    visitor.client.post(f"{visitor.address}/password", {"password": PASSWORD})
    other = make_link(visitor.link.dataset, "karl@university.example")
    ShareLink.objects.filter(pk=other.pk).update(password_hash=visitor.link.password_hash)
    same_browser = Visitor(other)
    same_browser.client = visitor.client
    assert same_browser.get_zip().status_code == 401
