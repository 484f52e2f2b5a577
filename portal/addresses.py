"""Addresses of pages that a portal may be without, because their room is left out."""

from django.urls import NoReverseMatch, reverse


def address_if_any(name: str, *args: object, **kwargs: object) -> str:
    """The address of the page with this URL name; empty when there is none."""
    try:
        return reverse(name, args=args or None, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""
