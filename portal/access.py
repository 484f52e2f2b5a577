"""Who may see what: one queryset a noun. Views fetch through these, so a stranger gets 404."""

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest

from portal.actors import Actor
from portal.client_address import client_address
from portal.errors import Forbidden, NotSignedIn
from portal.models import Dataset, Instrument, Membership, Project, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

Role = Membership.Role
MAY_SEND = (Role.MANAGER, Role.OPERATOR)
MAY_MANAGE = (Role.MANAGER,)


def signed_in_actor(request: HttpRequest) -> Actor:
    """The actor of a view that requires log-in."""
    if not isinstance(request.user, User):
        raise NotSignedIn("Sign in to do this.")
    return Actor.of_user(request.user, client_address(request), request.headers.get("User-Agent", "")[:200])


def visible_projects(user: "User | AnonymousUser") -> QuerySet[Project]:
    if not isinstance(user, User) or not user.is_active:
        return Project.objects.none()
    if user.is_staff:
        return Project.objects.all()
    return Project.objects.filter(memberships__user=user)


def visible_datasets(user: "User | AnonymousUser") -> QuerySet[Dataset]:
    return Dataset.objects.filter(project__in=visible_projects(user)).select_related("project", "instrument")


def visible_instruments(user: "User | AnonymousUser") -> QuerySet[Instrument]:
    return Instrument.objects.filter(project__in=visible_projects(user)).select_related("project")


def role_in(user: "User | AnonymousUser", project: Project) -> str:
    """Staff are managers everywhere; "" for strangers. Cost: at most one query."""
    if not isinstance(user, User) or not user.is_active:
        return ""
    if user.is_staff:
        return Role.MANAGER
    return Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first() or ""


def may_send(user: "User | AnonymousUser", project: Project) -> bool:
    """May create datasets and share links."""
    return role_in(user, project) in MAY_SEND


def may_manage(user: "User | AnonymousUser", project: Project) -> bool:
    """May change people, policies, instruments and upload tokens."""
    return role_in(user, project) in MAY_MANAGE


def require(allowed: bool, who: str) -> None:
    """Refuses with 403 somebody who may see the project but not do this; ``who`` says whom to ask."""
    if not allowed:
        raise Forbidden(f"Your role in this project does not allow this. Ask {who}.")
