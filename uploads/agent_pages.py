"""Where agents are shown."""

from django.urls import reverse

from portal.models import Instrument, Project


def agents_address(project: Project, instrument: Instrument | None) -> str:
    """The page of their instrument; of those without one, a page of the project."""
    if instrument is None:
        return reverse("project_agents", args=[project.code])
    return reverse("instrument", args=[project.code, instrument.slug])
