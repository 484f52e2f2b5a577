"""What a person's own programs see under /api/v1/me: who they speak for, its projects and datasets."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from portal import __version__
from portal.access import visible_datasets, visible_projects
from portal.access_tokens import member_of
from portal.actors import Actor
from portal.dataset_search import DatasetWish, search_datasets
from portal.errors import NotFound
from portal.keyset import BY_CREATION, newest_first
from portal.models import Dataset, Membership, User

_PROJECTS_A_PAGE = 500
_DATASETS_A_PAGE = 100

router = Router(auth=member_of, tags=["members"])


class MeOut(Schema):
    email: str
    name: str
    is_staff: bool
    portal_version: str
    server_time: datetime


class OwnProjectOut(Schema):
    """`role`: manager, operator or viewer; staff are managers everywhere."""

    code: str
    name: str
    role: str


class OwnProjectsOut(Schema):
    projects: list[OwnProjectOut]
    next: str | None


class OwnDatasetOut(Schema):
    """`files` and `bytes` are those verified by now; more may come until `state` is released."""

    id: UUID
    project: str
    name: str
    title: str
    state: str
    instrument: str | None
    files: int
    bytes: int
    created_at: datetime
    released_at: datetime | None
    url: str

    @classmethod
    def of(cls, dataset: Dataset, request: HttpRequest) -> Self:
        return cls(
            id=dataset.pk,
            project=dataset.project.code,
            name=dataset.name,
            title=dataset.title,
            state=dataset.state,
            instrument=dataset.instrument.name if dataset.instrument else None,
            files=dataset.verified_count,
            bytes=dataset.bytes_verified,
            created_at=dataset.created_at,
            released_at=dataset.released_at,
            url=request.build_absolute_uri(dataset.get_absolute_url()),
        )


class OwnDatasetsOut(Schema):
    datasets: list[OwnDatasetOut]
    next: str | None


@router.get("", response=MeOut)
def me(request: HttpRequest) -> MeOut:
    """Whom the token, or the session, speaks for."""
    person = asking(request)
    return MeOut(
        email=person.email,
        name=person.get_full_name(),
        is_staff=person.is_staff,
        portal_version=__version__,
        server_time=timezone.now(),
    )


@router.get("/projects", response=OwnProjectsOut)
def own_projects(request: HttpRequest, cursor: str = "") -> OwnProjectsOut:
    """By code. Cost: three queries."""
    person = asking(request)
    found = visible_projects(person).filter(code__gt=cursor.replace("\0", "")).order_by("code")
    page = list(found[: _PROJECTS_A_PAGE + 1])
    roles = dict(Membership.objects.filter(user=person, project__in=page).values_list("project", "role"))
    everywhere = Membership.Role.MANAGER if person.is_staff else ""
    projects = [
        OwnProjectOut(code=project.code, name=project.name, role=everywhere or roles[project.pk])
        for project in page[:_PROJECTS_A_PAGE]
    ]
    return OwnProjectsOut(projects=projects, next=projects[-1].code if len(page) > _PROJECTS_A_PAGE else None)


@router.get("/datasets", response=OwnDatasetsOut)
def own_datasets(
    request: HttpRequest,
    project: str = "",
    state: Dataset.State | None = None,
    name: str = "",
    search: str = "",
    cursor: str = "",
) -> OwnDatasetsOut:
    """Newest first, a hundred at a time; `search` finds words as the project's page does. Cost: three queries."""
    datasets = visible_datasets(asking(request))
    if project:
        datasets = datasets.filter(project__code=project.replace("\0", ""))
    if name:
        datasets = datasets.filter(name=name.replace("\0", ""))
    datasets = search_datasets(datasets, DatasetWish(text=search.replace("\0", "")[:200], state=state or ""))
    page = newest_first(datasets, {"before": cursor} if cursor else {}, BY_CREATION, _DATASETS_A_PAGE)
    return OwnDatasetsOut(datasets=[OwnDatasetOut.of(dataset, request) for dataset in page.rows], next=page.older)


@router.get("/datasets/{dataset_id}", response=OwnDatasetOut)
def own_dataset(request: HttpRequest, dataset_id: UUID) -> OwnDatasetOut:
    return OwnDatasetOut.of(dataset_of_member(request, dataset_id), request)


def dataset_of_member(request: Any, dataset_id: UUID) -> Dataset:
    """Raises NotFound for one that the person may not see."""
    dataset = visible_datasets(asking(request)).filter(pk=dataset_id).first()
    if dataset is None:
        raise NotFound("There is no such dataset that you may see. Check its address.")
    return dataset


def asking(request: Any) -> User:
    """The person; a router whose `auth` is of `portal.access_tokens` puts the actor on the request."""
    person = acting(request).user
    if person is None:
        raise NotFound("There is no person behind this request.")
    return person


def acting(request: Any) -> Actor:
    actor: Actor = request.auth
    return actor
