import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from portal.models import User
from tests.conftest import PASSWORD


def test_people_log_in_by_e_mail_and_password(client: Client, alice: User) -> None:
    page = client.get(reverse("account_login"))
    assert "<h1>Log in</h1>" in page.text
    answer = client.post(reverse("account_login"), {"login": alice.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/"


def test_a_wrong_password_says_so_and_keeps_the_address(client: Client, alice: User) -> None:
    page = client.post(reverse("account_login"), {"login": alice.email, "password": "wrong"})
    assert "data-error-summary" in page.text
    assert f'value="{escape(alice.email)}"' in page.text


def test_nobody_signs_up(client: Client, db: None) -> None:
    page = client.get(reverse("account_signup"))
    assert "Accounts are made by the facility" in page.text
    assert "<form" not in page.text


def test_logging_out_needs_a_confirmation(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert "Log out?" in client.get(reverse("account_logout")).text
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password_is_replaced_by_mail(client: Client, alice: User) -> None:
    client.post(reverse("account_reset_password"), {"email": alice.email})
    (letter,) = mail.outbox
    assert "Choose a new password" in letter.subject
    address = re.search(r"^https?://[^/]+(/\S+)$", str(letter.body), re.MULTILINE)
    assert address
    form = client.get(address[1], follow=True)
    action = form.redirect_chain[-1][0]
    done = client.post(action, {"password1": "a new long password", "password2": "a new long password"})
    assert "Password saved" in client.get(done.headers["Location"]).text
    alice.refresh_from_db()
    assert alice.check_password("a new long password")


def test_a_used_password_link_says_how_to_get_another(client: Client, db: None) -> None:
    page = client.get(reverse("account_reset_password_from_key", args=["1", "set-password"]))
    assert "This link no longer works" in page.text


def test_nobody_gives_themselves_another_address(client: Client, charlie: User) -> None:
    client.force_login(charlie)
    assert client.get("/accounts/email/").status_code == 404
    client.post("/accounts/email/", {"email": "rita@university.example", "action_add": ""})
    charlie.refresh_from_db()
    assert charlie.email == "charlie@elsewhere.example"


@pytest.mark.parametrize("name", ["account_change_password"])
def test_account_pages_have_our_look(client: Client, alice: User, name: str) -> None:
    client.force_login(alice)
    page = client.get(reverse(name))
    assert page.status_code == 200
    assert 'class="site-header"' in page.text
    assert 'class="form-control"' in page.text
