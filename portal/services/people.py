"""Accounts and their roles in projects. Nobody signs up: an account is made when somebody is added."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.errors import Conflict, Invalid
from portal.models import Membership, Project, User
from portal.outbox import queue_notice
from portal.services.changes import assign, require_valid

Role = Membership.Role


def add_person(
    *,
    email: str,
    actor: Actor,
    name: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    password: str | None = None,
) -> User:
    """A new account. Without a password its owner is mailed a link to choose one. Raises Invalid, Conflict."""
    person = User(email=_in_lower_case(email), name=name, is_staff=is_staff, is_superuser=is_superuser)
    _set_password(person, password)
    with transaction.atomic():
        if User.objects.filter(email=person.email).exists():
            raise Conflict(f"{person.email} has an account already. Change that one.")
        require_valid(person)
        person.save(force_insert=True)
        if password is None:
            queue_notice("invitation", person.email, subject_id=person.pk, slot="account", context=_by(actor))
        events.person_added(person, actor)
    return person


def change_person(*, person: User, actor: Actor, password: str | None = None, **fields: str | bool) -> User:
    """Changes ``name``, ``is_staff``, ``is_superuser``, ``is_active`` or the password. Raises Invalid."""
    changes = assign(person, fields)
    if password is not None:
        _set_password(person, password)
        changes["password"] = ("", "changed")
    if changes:
        require_valid(person)
        with transaction.atomic():
            person.save(update_fields=list(changes))
            events.person_changed(person, actor, changes)
    return person


def add_member(*, project: Project, email: str, role: str, actor: Actor, name: str = "") -> Membership:
    """Gives a person a role, and an account if they have none; they are told by mail.

    Raises Invalid for the address or role, Conflict for a member or an account that is switched off.
    """
    email = _in_lower_case(email)
    with transaction.atomic():
        _lock(project)
        person = User.objects.filter(email=email).first() or _new_person(email, name, actor)
        if not person.is_active:
            raise Conflict(f"The account of {email} is switched off. Ask the facility's staff to switch it on.")
        if Membership.objects.filter(project=project, user=person).exists():
            raise Conflict(f"{email} belongs to this project already. Change their role instead.")
        membership = Membership(project=project, user=person, role=role)
        require_valid(membership)
        membership.save()
        context = {"project": project.code, **_by(actor)}
        queue_notice("invitation", email, subject_id=person.pk, slot=f"membership:{membership.pk}", context=context)
        events.member_added(membership, actor)
    return membership


def change_role(*, membership: Membership, role: str, actor: Actor) -> Membership:
    """Raises Conflict when the project would be left without a manager, Invalid for an unknown role."""
    if role == membership.role:
        return membership
    with transaction.atomic():
        _lock(membership.project)
        _refuse_last_manager(membership)
        former, membership.role = membership.role, role
        require_valid(membership)
        membership.save(update_fields=["role"])
        events.role_changed(membership, actor, former)
    return membership


def remove_member(*, membership: Membership, actor: Actor) -> None:
    """The person keeps the account, and what they did stays in the audit. Raises Conflict for the last manager."""
    with transaction.atomic():
        _lock(membership.project)
        _refuse_last_manager(membership)
        events.member_removed(membership, actor)
        membership.delete()


def _new_person(email: str, name: str, actor: Actor) -> User:
    person = User(email=email, name=name)
    person.set_unusable_password()
    require_valid(person)
    person.save(force_insert=True)
    events.person_added(person, actor)
    return person


def _set_password(person: User, password: str | None) -> None:
    if password is not None:
        try:
            validate_password(password, person)
        except ValidationError as error:
            said = " ".join(error.messages)
            raise Invalid(said, fields=[{"field": "password", "message": said}]) from None
    person.set_password(password)


def _refuse_last_manager(membership: Membership) -> None:
    others = Membership.objects.filter(project=membership.project, role=Role.MANAGER).exclude(pk=membership.pk)
    if membership.role == Role.MANAGER and not others.exists():
        raise Conflict(
            f"{membership.user.email} is the only manager. Make somebody else a manager of the project first."
        )


def _lock(project: Project) -> None:
    """Whoever changes the people of a project holds its row, so that two of them cannot remove the last manager."""
    Project.objects.select_for_update().get(pk=project.pk)


def _in_lower_case(email: str) -> str:
    return email.strip().lower()


def _by(actor: Actor) -> dict[str, str]:
    return {"by": actor.label}
