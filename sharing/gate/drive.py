"""What a person's drive shows: their projects, in each its datasets, in each its files. As much as they may see."""

from collections.abc import Iterator

from portal.access import visible_datasets, visible_projects
from portal.errors import NotFound
from portal.models import Dataset, User
from sharing.gate.folders import Folder, FolderEntry, place_in
from sharing.gate.offers import Offer


def place_on_drive(person: User, path: str, site: str) -> Folder | Offer:
    """`<project>/<dataset>/<path>` or the beginning of that; `site` names the top. Raises NotFound.

    Cost: one query, a second one for what a folder of projects or datasets holds; below, that of `place_in`.
    """
    code, _, below = path.partition("/")
    if "\0" in path:  # PostgreSQL refuses to search for it
        raise _not_there("folder")
    if not path:
        return Folder(site, "", None, lambda: _projects(person))
    if not below:
        return _project(person, code)
    name, _, rest = below.partition("/")
    dataset = visible_datasets(person).filter(project__code=code, name=name).exclude(state__in=Dataset.GONE).first()
    if dataset is None:
        raise _not_there("dataset")
    return place_in(dataset, rest)


def _project(person: User, code: str) -> Folder:
    project = visible_projects(person).filter(code=code).first()
    if project is None:
        raise _not_there("project")
    datasets = visible_datasets(person).filter(project=project).exclude(state__in=Dataset.GONE).order_by("name")
    return Folder(project.name, "", int(project.created_at.timestamp()), lambda: map(_of_dataset, datasets.iterator()))


def _projects(person: User) -> Iterator[FolderEntry]:
    for code, created_at in visible_projects(person).order_by("code").values_list("code", "created_at"):
        yield FolderEntry(code, True, None, int(created_at.timestamp()), "")


def _of_dataset(dataset: Dataset) -> FolderEntry:
    return FolderEntry(dataset.name, True, dataset.bytes_verified, int(dataset.created_at.timestamp()), "")


def _not_there(kind: str) -> NotFound:
    return NotFound(f"There is no such {kind}, or you may not see it. Ask a manager of its project.")
