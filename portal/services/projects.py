"""Projects and their policies."""

from typing import TypedDict, Unpack

from django.db import transaction

from portal import events
from portal.actors import Actor
from portal.models import Membership, Project
from portal.services.changes import assign, require_valid
from portal.services.people import add_member


class ProjectFields(TypedDict, total=False):
    """What may be said of a project, besides its code, which is a folder's name and stays."""

    name: str
    description: str
    contact_email: str
    link_days: int
    recipients_may_push: bool
    time_zone: str
    quota_bytes: int | None
    mails_a_day: int | None
    store: str
    copy_store: str


def create_project(*, actor: Actor, code: str, manager: str = "", **fields: Unpack[ProjectFields]) -> Project:
    """A new project; ``manager`` is the e-mail address of its first manager, who gets an account if they have none.

    Raises Invalid, also for a code that is taken.
    """
    project = Project(code=code, **fields)
    with transaction.atomic():
        require_valid(project)
        project.save(force_insert=True)
        events.project_created(project, actor)
        if manager:
            add_member(project=project, email=manager, role=Membership.Role.MANAGER, actor=actor)
    return project


def change_project(*, project: Project, actor: Actor, **fields: Unpack[ProjectFields]) -> Project:
    """Changes what differs. Links that exist keep their expiry; new ones follow the new policy. Raises Invalid."""
    changes = assign(project, fields)
    if changes:
        require_valid(project)
        with transaction.atomic():
            project.save(update_fields=list(changes))
            events.project_changed(project, actor, changes)
    return project
