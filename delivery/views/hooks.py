"""A manager's pages for hooks: list, make, look at the last answers, try out, start again, remove."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from delivery.forms import HookForm
from delivery.models import Hook
from delivery.services.hook_calls import KEPT
from delivery.services.hooks import make_hook, remove_hook, start_again, try_out_hook
from delivery.views.destinations import SECTION
from portal.access import signed_in_actor
from portal.errors import PortalError
from portal.forms import tell
from portal.models import Project
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context


@login_required
@never_cache
@require_safe
def hooks(request: HttpRequest, code: str) -> HttpResponse:
    project = managed_project(request, code)
    rows = Hook.objects.usable().filter(project=project).select_related("created_by")
    return render(request, "delivery/hooks.html", {**project_context(request, project, SECTION), "rows": rows})


@login_required
@never_cache
@form_page
def hook_new(request: HttpRequest, code: str) -> HttpResponse:
    project = managed_project(request, code)
    form = HookForm(request.POST or None)
    context = {**project_context(request, project, SECTION), "form": form}
    if form.is_valid():
        try:
            made, secret = make_hook(project=project, url=form.cleaned_data["url"], actor=signed_in_actor(request))
        except PortalError as error:
            tell(form, error)
        else:
            return render(request, "delivery/hook_made.html", {**context, "hook": made, "secret": secret})
    return render(request, "delivery/hook_new.html", context, status=status_of(form))


@login_required
@never_cache
@require_safe
def hook(request: HttpRequest, code: str, hook_id: int) -> HttpResponse:
    project = managed_project(request, code)
    found = _hook(project, hook_id)
    context = {
        "hook": found,
        "answers": list(found.messages.select_related("dataset")[:KEPT]),
        "waiting": found.files_to_tell.count(),
    }
    return render(request, "delivery/hook.html", {**project_context(request, project, SECTION), **context})


@login_required
@require_POST
def hook_test(request: HttpRequest, code: str, hook_id: int) -> HttpResponse:
    found = _hook(managed_project(request, code), hook_id)
    sent = try_out_hook(hook=found, now=timezone.now())
    if sent.taken_at:
        messages.success(request, f"It was taken: the answer was {sent.status}, after {sent.took_ms} ms.")
    else:
        said = f"The answer was {sent.status}; 200 to 299 says that it was taken." if sent.status else sent.answer
        messages.error(request, f"It was not taken. {said}")
    return redirect("hook", code, hook_id)


@login_required
@require_POST
def hook_start(request: HttpRequest, code: str, hook_id: int) -> HttpResponse:
    found = _hook(managed_project(request, code), hook_id)
    if start_again(hook=found, actor=signed_in_actor(request)):
        messages.success(request, "The hook is told of verified files again, first of those that waited.")
    return redirect("hook", code, hook_id)


@login_required
@form_page
def hook_remove(request: HttpRequest, code: str, hook_id: int) -> HttpResponse:
    found = _hook(managed_project(request, code), hook_id)
    if request.method == "POST":
        remove_hook(hook=found, actor=signed_in_actor(request), now=timezone.now())
        messages.success(request, "The hook was removed; its secret was deleted.")
        return redirect("hooks", code)
    context = {
        "title": "Remove the hook?",
        "sentence": f"Nothing more is told to {found.url}.",
        "consequences": ["Files that wait to be told are forgotten; they stay in their datasets."],
        "action": "Remove hook",
        "cancel": "Keep hook",
        "cancel_url": reverse("hook", args=[code, hook_id]),
    }
    return render(request, "confirm.html", context)


def _hook(project: Project, hook_id: int) -> Hook:
    return get_object_or_404(Hook.objects.usable().select_related("project", "created_by"), pk=hook_id, project=project)
