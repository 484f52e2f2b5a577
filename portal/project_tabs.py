"""The sections of a project's pages, for ``components/tabs.html``; the rooms that add a page use it too."""

from typing import TypedDict

from portal.access import may_manage
from portal.addresses import address_if_any
from portal.models import Project, User

TABS = (
    ("Datasets", "project", False),
    ("Instruments", "project_instruments", False),
    ("Upload tokens", "upload_tokens", True),
    ("Drop links", "drop_links", True),
    ("People", "project_people", False),
    ("Settings", "project_settings", True),
)


class Tab(TypedDict):
    label: str
    url: str
    current: bool
    count: int | None


def project_tabs(person: User, project: Project, current: str) -> list[Tab]:
    """``current`` is the URL name of the section. Those for managers are left out for others."""
    manages = may_manage(person, project)
    return [
        Tab(label=label, url=url, current=name == current, count=None)
        for label, name, for_managers in TABS
        if (manages or not for_managers) and (url := address_if_any(name, code=project.code))
    ]
