"""How links are spoken of, the same on pages and in mails."""

from sharing.models import ShareLink


def sender_of(link: ShareLink) -> str:
    """From whom: the person who shared it, else the instrument; with the project."""
    dataset = link.dataset
    if link.created_by is not None:
        who = link.created_by.get_full_name()
    else:
        who = dataset.instrument.name if dataset.instrument else dataset.project.name
    return who if who == dataset.project.name else f"{who} ({dataset.project.name})"
