"""The sections of a project's pages, for ``components/tabs.html``; the rooms that add a page use it too."""

from typing import TypedDict

from portal.access import may_manage, may_send
from portal.addresses import address_if_any
from portal.models import Project, User

TABS = (
    ("Datasets", "project", "members"),
    ("Instruments", "project_instruments", "members"),
    ("Upload tokens", "upload_tokens", "managers"),
    ("Drop links", "drop_links", "senders"),
    ("People", "project_people", "members"),
    ("Settings", "project_settings", "managers"),
)


class Tab(TypedDict):
    label: str
    url: str
    current: bool
    count: int | None


def project_tabs(person: User, project: Project, current: str) -> list[Tab]:
    """``current`` is the URL name of the section. What the person may not open is left out."""
    open_to = {"members": True, "senders": may_send(person, project), "managers": may_manage(person, project)}
    return [
        Tab(label=label, url=url, current=name == current, count=None)
        for label, name, group in TABS
        if open_to[group] and (url := address_if_any(name, code=project.code))
    ]
