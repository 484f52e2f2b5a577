"""What people may enter in this room. Rules live in the services; here are words and widgets."""

import uuid
from typing import Any

from django import forms

from delivery.models import Destination
from delivery.services.push_begin import IDLE_HOURS
from portal.access import MAY_SEND, visible_projects
from portal.models import Dataset, Project, User


def projects_to_send_into(person: User) -> "list[Project]":
    """Those that the person may begin datasets in; all of them for staff."""
    projects = visible_projects(person).order_by("name")
    if not person.is_staff:
        projects = projects.filter(memberships__user=person, memberships__role__in=MAY_SEND)
    return list(projects.distinct())


class CopyForm(forms.Form):
    project = forms.ChoiceField(label="Project", help_text="Only projects that you may send data into.")
    title = forms.CharField(label="Title", max_length=300, help_text="As the copy is called in your project.")

    def __init__(self, *args: Any, projects: "list[Project]", source: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._projects = {project.code: project for project in projects}
        self.fields["project"].choices = [(code, project.name) for code, project in self._projects.items()]  # type: ignore[attr-defined]
        self.fields["title"].initial = source.title

    def project_of(self) -> Project:
        """The project that a valid form names."""
        return self._projects[self.cleaned_data["project"]]


class PushForm(forms.Form):
    destination = forms.ModelChoiceField(
        queryset=Destination.objects.none(), label="Destination", empty_label=None, widget=forms.RadioSelect
    )
    idle_hours = forms.IntegerField(
        label="End when nothing came for (hours)",
        min_value=1,
        max_value=24 * 30,
        initial=IDLE_HOURS,
        help_text="It also ends at the release. In the end all files are compared.",
    )
    occasion = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not dataset.is_open:
            del self.fields["idle_hours"]
        usable = Destination.objects.usable().filter(project=dataset.project_id)
        self.fields["destination"].queryset = usable  # type: ignore[attr-defined]
        self.fields["destination"].label_from_instance = _named  # type: ignore[attr-defined]


class HookForm(forms.Form):
    url = forms.URLField(
        label="Address",
        max_length=1000,
        assume_scheme="https",
        help_text="It gets a POST with the names, sizes and checksums of the files, such as "
        "https://processing.example.org/arrived.",
    )


def _named(destination: Destination) -> str:
    return f"{destination.name} ({destination.place})"
