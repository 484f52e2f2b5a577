"""The facility today; all instruments; all people; new projects."""

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import signed_in_actor
from portal.errors import Conflict, Invalid
from portal.figures import staff_figures
from portal.filter_forms import NameFilter
from portal.forms import PersonForm, ProjectForm, tell
from portal.keyset import BY_CREATION, newest_first
from portal.models import Dataset, Instrument, Project, User
from portal.needs import needs_of
from portal.panels import instrument_states, row_notes
from portal.services.people import add_person
from portal.services.projects import create_project
from portal.views.fetch import person_of
from portal.views.form_pages import form_page, status_of
from portal.views.staff_door import staff_only

NEWEST = 10


@staff_only
@require_safe
def today(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    newest = list(Dataset.objects.select_related("project", "instrument").order_by("-created_at")[:NEWEST])
    context = {
        "now": now,
        "figures": staff_figures(now),
        "needs": needs_of(person_of(request), now),
        "datasets": newest,
        "notes": row_notes(newest),
    }
    return render(request, "staff/today.html", context)


@staff_only
@require_safe
def instruments(request: HttpRequest) -> HttpResponse:
    form = NameFilter(request.GET)
    words = form.wish()
    found = Instrument.objects.select_related("project")
    if words:
        found = found.filter(Q(name__icontains=words) | Q(project__name__icontains=words) | Q(slug__icontains=words))
    page = newest_first(found, request.GET, BY_CREATION)
    now = timezone.now()
    context = {"now": now, "filter": form, "page": page, "states": instrument_states(page.rows, now)}
    return render(request, "staff/instruments.html", context)


@staff_only
@form_page
def people(request: HttpRequest) -> HttpResponse:
    """All accounts, newest first, and the form that makes one."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_person(actor=signed_in_actor(request), **form.cleaned_data)
        except (Conflict, Invalid) as error:
            tell(form, error)
        else:
            messages.success(request, f"{made.email} has an account now, and is mailed a link to choose a password.")
            return redirect("staff_people")
    search = NameFilter(request.GET)
    words = search.wish()
    found = User.objects.annotate(project_count=Count("memberships"))
    if words:
        found = found.filter(Q(email__icontains=words) | Q(name__icontains=words))
    page = newest_first(found, request.GET)
    context = {"now": timezone.now(), "filter": search, "page": page, "form": form}
    return render(request, "staff/people.html", context, status=status_of(form))


@staff_only
@form_page
def add_project(request: HttpRequest) -> HttpResponse:
    form = ProjectForm(request.POST or None, instance=Project())
    if request.method == "POST" and form.is_valid():
        try:
            made = create_project(actor=signed_in_actor(request), **form.cleaned_data)
        except (Conflict, Invalid) as error:
            tell(form, error)
        else:
            messages.success(request, f"{made.name} was made. Add its instruments next.")
            return redirect("project_instruments", code=made.code)
    return render(request, "staff/project_form.html", {"form": form}, status=status_of(form))
