"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.models import AccessToken, Dataset, Instrument, Membership, Notice, Project, User

Changes = Mapping[str, tuple[Any, Any]]  # field: (before, after)


def project_created(project: Project, actor: Actor) -> None:
    record("project_created", actor, project=project, subject=project.name)


def project_changed(project: Project, actor: Actor, changes: Changes) -> None:
    record("project_changed", actor, project=project, subject=project.name, changes=_told(changes))


def person_added(person: User, actor: Actor) -> None:
    record("person_added", actor, subject=person.email, staff=person.is_staff, superuser=person.is_superuser)


def person_changed(person: User, actor: Actor, changes: Changes) -> None:
    record("person_changed", actor, subject=person.email, changes=_told(changes))


def member_added(membership: Membership, actor: Actor) -> None:
    record("member_added", actor, project=membership.project, subject=membership.user.email, role=str(membership.role))


def role_changed(membership: Membership, actor: Actor, former: str) -> None:
    role = str(membership.role)
    record(
        "role_changed", actor, project=membership.project, subject=membership.user.email, role=role, former=str(former)
    )


def member_removed(membership: Membership, actor: Actor) -> None:
    record(
        "member_removed", actor, project=membership.project, subject=membership.user.email, role=str(membership.role)
    )


def mails_wished(membership: Membership, actor: Actor) -> None:
    told = membership.get_told_of_downloads_display()
    record("mails_wished", actor, project=membership.project, subject=membership.user.email, told=told)


def instrument_created(instrument: Instrument, actor: Actor) -> None:
    record("instrument_created", actor, project=instrument.project, subject=instrument.name, slug=instrument.slug)


def instrument_changed(instrument: Instrument, actor: Actor, changes: Changes) -> None:
    record("instrument_changed", actor, project=instrument.project, subject=instrument.name, changes=_told(changes))


def access_token_made(token: AccessToken, actor: Actor) -> None:
    until = token.expires_at.isoformat()
    record("access_token_made", actor, subject=token.label, scope=token.scope, until=until, token=token.pk)


def access_token_revoked(token: AccessToken, actor: Actor) -> None:
    record("access_token_revoked", actor, subject=token.label, token=token.pk)


def dataset_described(dataset: Dataset, actor: Actor, changes: Changes) -> None:
    record("dataset_described", actor, dataset=dataset, subject=dataset.title, changes=_told(changes))


def audit_exported(actor: Actor, filters: Mapping[str, str]) -> None:
    record("audit_exported", actor, filters=dict(filters))


def mail_tried_again(notice: Notice, actor: Actor, now: datetime) -> None:
    """``notice`` as it was before."""
    was = {"state": notice.state, "error": notice.last_error}
    record("mail_tried_again", actor, at=now, dataset=notice.dataset, subject=notice.to, mail=notice.pk, was=was)


def mail_sent_back(notice: Notice, reason: str, now: datetime) -> None:
    """A mail server's report came. ``notice`` as it was before."""
    record("mail_sent_back", SYSTEM, at=now, dataset=notice.dataset, subject=notice.to, mail=notice.pk, reason=reason)


def changed_in_admin(row: Model, actor: Actor, action: str) -> None:
    """Somebody used the Django admin, which goes past the services; ``action`` says what it did."""
    record("changed_in_admin", actor, subject=f"{row._meta.verbose_name} {row}"[:1100], action=action)


def _told(changes: Changes) -> dict[str, list[Any]]:
    return {name: [before, after] for name, (before, after) in changes.items()}
