"""The sections of a project's pages, for ``components/tabs.html``; the rooms that add a page use it too."""

from typing import TypedDict

from portal.access import MAY_MANAGE, MAY_SEND, role_in
from portal.addresses import address_if_any
from portal.models import Membership, Project, User

_EVERY_MEMBER = tuple(Membership.Role)

TABS = (
    ("Datasets", "project", _EVERY_MEMBER),
    ("Instruments", "project_instruments", _EVERY_MEMBER),
    ("Upload tokens", "upload_tokens", MAY_MANAGE),
    ("Drop links", "drop_links", MAY_SEND),
    ("Destinations", "destinations", MAY_SEND),
    ("Keeping", "project_keeping", _EVERY_MEMBER),
    ("People", "project_people", _EVERY_MEMBER),
    ("Reminders", "project_reminders", MAY_MANAGE),
    ("Settings", "project_settings", MAY_MANAGE),
)


class Tab(TypedDict):
    label: str
    url: str
    current: bool
    count: int | None


def project_tabs(person: User, project: Project, current: str) -> list[Tab]:
    """``current`` is the URL name of the section. What the person may not open is left out."""
    role = role_in(person, project)
    return [
        Tab(label=label, url=url, current=name == current, count=None)
        for label, name, roles in TABS
        if role in roles and (url := address_if_any(name, code=project.code))
    ]
