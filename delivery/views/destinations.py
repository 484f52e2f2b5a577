"""Members' pages for destinations: list, register, remove."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from delivery.kinds import KINDS
from delivery.kinds.form import DestinationForm
from delivery.models import Destination
from delivery.services.destinations import DestinationWish, register_destination, remove_destination
from portal.access import may_send, require, signed_in_actor
from portal.errors import NotFound, PortalError
from portal.forms import tell
from portal.models import Project, User
from portal.views.fetch import A_MANAGER, person_of, project_of
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context

SECTION = "destinations"


@login_required
@never_cache
@require_safe
def destinations(request: HttpRequest, code: str) -> HttpResponse:
    project = _project(request, code)
    rows = Destination.objects.usable().filter(project=project).select_related("created_by")
    context = {"rows": rows, "kinds": _kinds_for(person_of(request))}
    return render(request, "delivery/destinations.html", {**project_context(request, project, SECTION), **context})


@login_required
@form_page
def destination_new(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    project = _project(request, code)
    form_of = next((form for form in _kinds_for(person_of(request)) if form.kind == kind), None)
    if form_of is None:
        raise NotFound("There is no such kind of destination. Choose one from the list.")
    form = form_of(request.POST or None)
    if form.is_valid():
        try:
            _register(request, project, form)
        except PortalError as error:
            tell(form, error)
        else:
            return redirect(SECTION, project.code)
    context = {**project_context(request, project, SECTION), "form": form}
    return render(request, "delivery/destination_new.html", context, status=status_of(form))


def _register(request: HttpRequest, project: Project, form: DestinationForm) -> None:
    data = form.cleaned_data
    when = data["on_release"], data["live"], data["read_back"]
    wish = DestinationWish(form.kind, data["name"], form.said(), *when)
    made = register_destination(project=project, wish=wish, actor=signed_in_actor(request), now=timezone.now())
    messages.success(request, f"“{made.name}” works: a file was written there, read back, compared and removed.")


@login_required
@form_page
def destination_remove(request: HttpRequest, code: str, destination_id: int) -> HttpResponse:
    project = _project(request, code)
    found = get_object_or_404(Destination.objects.usable(), pk=destination_id, project=project)
    if request.method == "POST":
        remove_destination(destination=found, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, f"“{found.name}” is no longer a destination; its secrets were deleted.")
        return redirect(SECTION, project.code)
    context = {
        "title": f"Remove the destination “{found.name}”?",
        "sentence": f"Nothing more is pushed to {found.place}.",
        "consequences": ["What was pushed stays there.", "A push that is under way ends."],
        "action": "Remove destination",
        "cancel": "Keep destination",
        "cancel_url": reverse(SECTION, args=[project.code]),
    }
    return render(request, "confirm.html", context)


def _project(request: HttpRequest, code: str) -> Project:
    project = project_of(request, code)
    require(may_send(request.user, project), A_MANAGER)
    return project


def _kinds_for(person: User) -> list[type[DestinationForm]]:
    return [kind for kind in KINDS.values() if person.is_staff or not kind.staff_only]
