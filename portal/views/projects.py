"""A project: its datasets, its instruments, its settings."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import may_manage, may_send, signed_in_actor
from portal.dataset_search import search_datasets
from portal.errors import Invalid
from portal.filter_forms import DatasetFilter
from portal.forms import InstrumentForm, PolicyForm, StaffPolicyForm, tell
from portal.keyset import BY_CREATION, newest_first
from portal.models import Project
from portal.panels import instrument_states, row_notes
from portal.project_tabs import project_tabs
from portal.services.instruments import change_instrument, create_instrument
from portal.services.projects import change_project
from portal.views.fetch import managed_project, person_of, project_of
from portal.views.form_pages import form_page, status_of


def project_context(request: HttpRequest, project: Project, current: str) -> dict[str, object]:
    """What every page of a project needs: the project, its tabs, what this person may do, and the present."""
    person = person_of(request)
    return {
        "now": timezone.now(),
        "project": project,
        "tabs": project_tabs(person, project, current),
        "manages": may_manage(person, project),
    }


@login_required
@require_safe
def project(request: HttpRequest, code: str) -> HttpResponse:
    found = project_of(request, code)
    form = DatasetFilter(request.GET, found)
    datasets = search_datasets(found.datasets.select_related("instrument"), form.wish())
    page = newest_first(datasets, request.GET, BY_CREATION)
    context = project_context(request, found, "project")
    context |= {"filter": form, "page": page, "notes": row_notes(page.rows), "sends": may_send(request.user, found)}
    return render(request, "portal/project.html", context)


@login_required
@require_safe
def instruments(request: HttpRequest, code: str) -> HttpResponse:
    found = project_of(request, code)
    context = project_context(request, found, "project_instruments")
    machines = list(found.instruments.all())
    states = instrument_states(machines, timezone.now())
    return render(request, "portal/instruments.html", {**context, "instruments": machines, "states": states})


@login_required
@form_page
def add_instrument(request: HttpRequest, code: str) -> HttpResponse:
    found = managed_project(request, code)
    form = InstrumentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_instrument(project=found, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, f"{made.name} was added. Make an upload token next, so that it can send.")
            return redirect("project_instruments", code=code)
    context = project_context(request, found, "project_instruments")
    context |= {"form": form, "heading": "Add an instrument"}
    return render(request, "portal/instrument_form.html", context, status=status_of(form))


@login_required
@form_page
def edit_instrument(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    found = managed_project(request, code)
    instrument = get_object_or_404(found.instruments, slug=slug)
    form = InstrumentForm(request.POST or None, instance=copy(instrument))
    if request.method == "POST" and form.is_valid():
        try:
            change_instrument(instrument=instrument, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("project_instruments", code=code)
    context = project_context(request, found, "project_instruments")
    context |= {"form": form, "heading": instrument.name}
    return render(request, "portal/instrument_form.html", context, status=status_of(form))


@login_required
@form_page
def settings(request: HttpRequest, code: str) -> HttpResponse:
    found = managed_project(request, code)
    form_of = StaffPolicyForm if person_of(request).is_staff else PolicyForm
    form = form_of(request.POST or None, instance=copy(found))
    if request.method == "POST" and form.is_valid():
        try:
            change_project(project=found, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("project_settings", code=code)
    context = {**project_context(request, found, "project_settings"), "form": form}
    return render(request, "portal/project_settings.html", context, status=status_of(form))
