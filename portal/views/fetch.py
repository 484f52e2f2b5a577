"""How views come by their nouns: through ``portal.access``, so that a stranger gets 404."""

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from portal.access import may_manage, may_send, require, visible_datasets, visible_projects
from portal.errors import NotSignedIn
from portal.models import Dataset, Project, User

A_MANAGER = "a manager of the project"


def person_of(request: HttpRequest) -> User:
    """Who is logged in; for views behind ``login_required``."""
    if not isinstance(request.user, User):
        raise NotSignedIn("Sign in to see this.")
    return request.user


def project_of(request: HttpRequest, code: str) -> Project:
    return get_object_or_404(visible_projects(request.user), code=code)


def managed_project(request: HttpRequest, code: str) -> Project:
    """404 for strangers, 403 for members who do not manage it."""
    project = project_of(request, code)
    require(may_manage(request.user, project), A_MANAGER)
    return project


def dataset_of(request: HttpRequest, dataset_id: UUID) -> Dataset:
    return get_object_or_404(visible_datasets(request.user), pk=dataset_id)


def dataset_to_change(request: HttpRequest, dataset_id: UUID) -> Dataset:
    """404 for strangers, 403 for members who only look."""
    dataset = dataset_of(request, dataset_id)
    require(may_send(request.user, dataset.project), A_MANAGER)
    return dataset
