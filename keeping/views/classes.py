"""A project's page about how long its datasets are kept: its classes, and what goes next."""

from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from keeping.forms import RetentionClassForm
from keeping.lists import SHOWN, holds, next_deletions, restorable
from keeping.models import RetentionClass
from keeping.services.classes import change_class, make_class, remove_class
from portal.access import may_send, signed_in_actor
from portal.errors import Invalid
from portal.forms import tell
from portal.models import Project
from portal.views.fetch import managed_project, project_of
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context

SECTION = "project_keeping"


@login_required
@require_safe
def project_keeping(request: HttpRequest, code: str) -> HttpResponse:
    found = project_of(request, code)
    only = Project.objects.filter(pk=found.pk)
    context = {
        "classes": list(found.retention_classes.all()),
        "sends": may_send(request.user, found),
        "deletions": next_deletions(only)[:SHOWN],
        "holds": holds(only)[:SHOWN],
        "restorable": restorable(only)[:SHOWN],
        "shown": SHOWN,
    }
    return render(request, "keeping/project.html", {**project_context(request, found, SECTION), **context})


@login_required
@form_page
def class_add(request: HttpRequest, code: str) -> HttpResponse:
    found = managed_project(request, code)
    is_first = not found.retention_classes.exists()
    form = RetentionClassForm(request.POST or None, initial={"is_default": is_first})
    return _class_page(request, found, form, heading="Add a class")


@login_required
@form_page
def class_edit(request: HttpRequest, code: str, class_id: int) -> HttpResponse:
    found = managed_project(request, code)
    retention = get_object_or_404(found.retention_classes, pk=class_id)
    form = RetentionClassForm(request.POST or None, instance=copy(retention))
    return _class_page(request, found, form, heading=f"Change “{retention.name}”", retention=retention)


def _class_page(
    request: HttpRequest,
    project: Project,
    form: RetentionClassForm,
    *,
    heading: str,
    retention: RetentionClass | None = None,
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        actor = signed_in_actor(request)
        try:
            if retention is None:
                make_class(project=project, actor=actor, **form.cleaned_data)
            else:
                change_class(retention=retention, actor=actor, **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved. Whatever is deleted because of it is announced first.")
            return redirect(SECTION, project.code)
    context = {**project_context(request, project, SECTION), "form": form, "heading": heading}
    return render(request, "keeping/class.html", context, status=status_of(form))


@login_required
@form_page
def class_remove(request: HttpRequest, code: str, class_id: int) -> HttpResponse:
    found = managed_project(request, code)
    retention = get_object_or_404(found.retention_classes, pk=class_id)
    if request.method == "POST":
        remove_class(retention=retention, actor=signed_in_actor(request))
        messages.success(request, f"The class “{retention.name}” was removed.")
        return redirect(SECTION, found.code)
    context = {
        "title": f"Remove the class “{retention.name}”?",
        "sentence": "No dataset is kept like this any more.",
        "consequences": ["The project keeps for ever, until another class is its default."]
        if retention.is_default
        else [],
        "action": "Remove class",
        "cancel": "Keep class",
        "cancel_url": reverse(SECTION, args=[found.code]),
    }
    return render(request, "confirm.html", context)
