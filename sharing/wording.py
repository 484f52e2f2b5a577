"""How links are spoken of, the same on pages and in mails."""

from datetime import datetime

from sharing.models import ShareLink

_WAYS = {
    "zip": "as a zip",
    "file": "file by file",
    "agent": "with labcourier",
    "copy": "as a copy",
    "push": "to storage of theirs",
}


def sender_of(link: ShareLink) -> str:
    """From whom: the person who shared it, else the instrument; with the project."""
    dataset = link.dataset
    if link.created_by is not None:
        who = link.created_by.get_full_name()
    else:
        who = dataset.instrument.name if dataset.instrument else dataset.project.name
    return who if who == dataset.project.name else f"{who} ({dataset.project.name})"


def steps_of(link: ShareLink) -> list[tuple[str, datetime]]:
    """How far the recipient came, each step with its time: opened, started, complete, verified."""
    steps = {
        "opened": link.opened_at,
        "started": link.first_taken_at,
        "last": link.last_taken_at if link.state == ShareLink.State.PARTIAL else None,
        "complete": link.completed_at,
        "verified": link.verified_at,
    }
    return [(name, at) for name, at in steps.items() if at is not None]


def ways_used(link: ShareLink) -> str:
    """In which ways data were taken with it; empty while none were."""
    return ", ".join(_WAYS.get(way, way) for way in link.taken_by)
