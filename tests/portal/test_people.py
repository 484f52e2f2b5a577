"""Accounts and roles: nobody signs up, nobody is the last manager to go, everything is audited."""

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from portal.actors import SYSTEM, Actor
from portal.errors import Conflict, Invalid
from portal.mails import invitation
from portal.models import AuditEvent, Membership, Notice, Project, User
from portal.services.people import add_member, add_person, change_person, change_role, remove_member

Role = Membership.Role
LONG = "a long and secret sentence"


@pytest.fixture
def manager(alice: User) -> Actor:
    return Actor.of_user(alice)


def test_adding_somebody_new_makes_the_account_and_mails_once(project: Project, manager: Actor) -> None:
    membership = add_member(
        project=project, email=" Dora@Lab.Example ", role=Role.VIEWER, actor=manager, name="Dora Dahl"
    )
    person = membership.user
    assert (person.email, person.name, person.has_usable_password()) == ("dora@lab.example", "Dora Dahl", False)
    notice = Notice.objects.get()
    assert (notice.kind, notice.to) == ("invitation", "dora@lab.example")
    assert {"person_added", "member_added"} <= set(AuditEvent.objects.values_list("kind", flat=True))


def test_adding_somebody_known_gives_the_role_only(project: Project, manager: Actor, charlie: User) -> None:
    add_member(project=project, email=charlie.email, role=Role.OPERATOR, actor=manager, name="Somebody Else")
    charlie.refresh_from_db()
    assert charlie.name == "Charlie Cole"
    assert not AuditEvent.objects.filter(kind="person_added").exists()


@pytest.mark.parametrize("email", ["", "rita", "rita@", "a b@lab.example", "x" * 250 + "@lab.example"])
def test_a_wrong_address_is_refused_and_nothing_is_made(project: Project, manager: Actor, email: str) -> None:
    with pytest.raises(Invalid):
        add_member(project=project, email=email, role=Role.VIEWER, actor=manager)
    assert User.objects.count() == 1
    assert not Notice.objects.exists()


def test_an_unknown_role_is_refused(project: Project, manager: Actor) -> None:
    with pytest.raises(Invalid, match="role"):
        add_member(project=project, email="dora@lab.example", role="owner", actor=manager)
    assert not User.objects.filter(email="dora@lab.example").exists()


def test_a_member_is_not_added_twice(project: Project, manager: Actor, bob: User) -> None:
    with pytest.raises(Conflict, match="already"):
        add_member(project=project, email="BOB@facility.example", role=Role.VIEWER, actor=manager)


def test_an_account_that_is_switched_off_is_not_added(project: Project, manager: Actor, charlie: User) -> None:
    change_person(person=charlie, actor=SYSTEM, is_active=False)
    with pytest.raises(Conflict, match="switched off"):
        add_member(project=project, email=charlie.email, role=Role.VIEWER, actor=manager)


def test_a_role_is_changed_and_the_former_one_told(project: Project, manager: Actor, bob: User) -> None:
    change_role(membership=Membership.objects.get(user=bob), role=Role.VIEWER, actor=manager)
    event = AuditEvent.objects.get(kind="role_changed")
    assert event.detail == {"role": "viewer", "former": "operator"}
    assert Membership.objects.get(user=bob).role == Role.VIEWER


def test_the_last_manager_stays(project: Project, manager: Actor, alice: User, bob: User) -> None:
    membership = Membership.objects.get(user=alice)
    with pytest.raises(Conflict, match="only manager"):
        change_role(membership=membership, role=Role.OPERATOR, actor=manager)
    with pytest.raises(Conflict, match="only manager"):
        remove_member(membership=Membership.objects.get(user=alice), actor=manager)
    change_role(membership=Membership.objects.get(user=bob), role=Role.MANAGER, actor=manager)
    remove_member(membership=Membership.objects.get(user=alice), actor=manager)
    assert list(Membership.objects.values_list("user", flat=True)) == [bob.pk]


def test_a_manager_of_another_project_does_not_count(project: Project, manager: Actor, alice: User, bob: User) -> None:
    other = Project.objects.create(code="xray", name="X-ray", contact_email="x@facility.example")
    Membership.objects.create(project=other, user=bob, role=Role.MANAGER)
    with pytest.raises(Conflict, match="only manager"):
        remove_member(membership=Membership.objects.get(user=alice), actor=manager)


def test_removing_keeps_the_account(project: Project, manager: Actor, bob: User) -> None:
    remove_member(membership=Membership.objects.get(user=bob), actor=manager)
    assert User.objects.filter(pk=bob.pk, is_active=True).exists()
    assert AuditEvent.objects.get(kind="member_removed").subject == bob.email


def test_a_password_that_everybody_knows_is_refused(db: None) -> None:
    with pytest.raises(Invalid, match="common"):
        add_person(email="dora@lab.example", actor=SYSTEM, password="password123")
    assert not User.objects.exists()


def test_no_password_reaches_the_audit(charlie: User) -> None:
    change_person(person=charlie, actor=SYSTEM, password=LONG)
    event = AuditEvent.objects.get()
    assert event.detail == {"changes": {"password": ["", "changed"]}}
    assert User.objects.get(pk=charlie.pk).check_password(LONG)


# --- the invitation -------------------------------------------------------------------------------------------------


def test_the_link_of_the_invitation_sets_a_password_once(project: Project, manager: Actor, client: Client) -> None:
    person = add_member(project=project, email="dora@lab.example", role=Role.VIEWER, actor=manager).user
    mail = invitation(Notice.objects.get())
    assert mail
    path = str(mail.context["password_address"]).removeprefix("http://127.0.0.1:8000")
    form = client.get(path, follow=True)
    address = form.redirect_chain[-1][0]
    client.post(address, {"password1": LONG, "password2": LONG})
    person.refresh_from_db()
    assert person.check_password(LONG)
    assert "no longer works" in Client().get(path, follow=True).content.decode()


def test_who_has_a_password_gets_no_link_to_choose_one(project: Project, manager: Actor, charlie: User) -> None:
    add_member(project=project, email=charlie.email, role=Role.VIEWER, actor=manager)
    mail = invitation(Notice.objects.get())
    assert mail
    assert mail.context["password_address"] == ""
    assert mail.context["address"].endswith("/projects/em/")
    assert mail.reply_to == ["em@facility.example"]


def test_who_left_before_the_mail_went_out_gets_none(project: Project, manager: Actor) -> None:
    membership = add_member(project=project, email="dora@lab.example", role=Role.VIEWER, actor=manager)
    remove_member(membership=membership, actor=manager)
    assert invitation(Notice.objects.get()) is None


def test_the_invitation_holds_no_secret_in_the_outbox(project: Project, manager: Actor) -> None:
    add_member(project=project, email="dora@lab.example", role=Role.VIEWER, actor=manager)
    notice = Notice.objects.get()
    assert notice.context == {"project": "em", "by": "alice@facility.example"}


# --- manage.py add_person -------------------------------------------------------------------------------------------


def add(monkeypatch: pytest.MonkeyPatch, password: str, *arguments: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("add_person", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_makes_the_first_staff_account(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said = add(monkeypatch, LONG, "Sam@Facility.Example", "--name", "Sam Stern", "--staff", "--password-stdin")
    sam = User.objects.get()
    assert (sam.email, sam.is_staff, sam.is_superuser) == ("sam@facility.example", True, False)
    assert sam.check_password(LONG)
    assert LONG not in said
    assert AuditEvent.objects.get().actor == "the portal"
    assert not Notice.objects.exists()


def test_the_command_twice_changes_what_is_asked_and_takes_nothing_away(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(monkeypatch, LONG, "sam@facility.example", "--name", "Sam Stern", "--staff", "--password-stdin")
    said = add(monkeypatch, "", "sam@facility.example", "--superuser")
    sam = User.objects.get()
    assert (sam.name, sam.is_staff, sam.is_superuser) == ("Sam Stern", True, True)
    assert sam.check_password(LONG)
    assert re.search("had an account", said)


def test_the_command_without_a_password_mails_a_link(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "mailed a link" in add(monkeypatch, "", "dora@lab.example")
    assert Notice.objects.get().to == "dora@lab.example"


def test_the_command_says_what_is_wrong(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="too short"):
        add(monkeypatch, "short", "dora@lab.example", "--password-stdin")
    with pytest.raises(CommandError, match="email"):
        add(monkeypatch, LONG, "dora", "--password-stdin")
