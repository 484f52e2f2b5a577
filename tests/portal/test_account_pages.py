import re

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from portal.mail_sending import send_due_mail
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
    assert mail.outbox == [], "a mail server that is away would break the page"
    letter = the_mail()
    assert (letter.subject, letter.to) == ("Choose a new password", [alice.email])
    address = re.search(r"^https?://[^/]+(/accounts/password/reset/key/\S+)$", str(letter.body), re.MULTILINE)
    assert address
    form = client.get(address[1], follow=True)
    action = form.redirect_chain[-1][0]
    done = client.post(action, {"password1": "a new long password", "password2": "a new long password"})
    assert "Password saved" in client.get(done.headers["Location"]).text
    alice.refresh_from_db()
    assert alice.check_password("a new long password")
    assert the_mail().subject == "Your password was changed"


def test_a_changed_password_is_told_with_the_address_it_was_changed_from(client: Client, alice: User) -> None:
    client.force_login(alice)
    words = {"oldpassword": PASSWORD, "password1": "a new long password", "password2": "a new long password"}
    client.post(reverse("account_change_password"), words, REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Firefox")
    letter = the_mail()
    assert letter.to == [alice.email]
    assert "from the address 192.0.2.7" in " ".join(str(letter.body).split())


def test_whoever_has_no_account_is_told_so_by_mail_and_not_on_the_page(client: Client, alice: User) -> None:
    pages = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True).text
        for email in (alice.email, "stranger@x.example")
    ]
    assert pages[0] == pages[1]
    send_due_mail(clock=timezone.now)
    assert {letter.to[0]: letter.subject for letter in mail.outbox} == {
        alice.email: "Choose a new password",
        "stranger@x.example": "No account with this address",
    }


def the_mail() -> EmailMessage:
    """The one that is to be sent now."""
    mail.outbox.clear()
    send_due_mail(clock=timezone.now)
    (letter,) = mail.outbox
    return letter


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
