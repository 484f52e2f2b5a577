"""The people of a project and their roles."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.access import signed_in_actor
from portal.errors import Conflict, Invalid
from portal.forms import MemberForm, RoleForm, tell
from portal.models import Membership
from portal.services.people import add_member, change_role, remove_member
from portal.views.fetch import managed_project, project_of
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context


@login_required
@form_page
def people(request: HttpRequest, code: str) -> HttpResponse:
    """The list for every member; for managers also the form that adds somebody."""
    found = managed_project(request, code) if request.method == "POST" else project_of(request, code)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_member(project=found, actor=signed_in_actor(request), **form.cleaned_data)
        except (Conflict, Invalid) as error:
            tell(form, error)
        else:
            messages.success(request, f"{made.user.email} now belongs to the project, and is told by mail.")
            return redirect("project_people", code=code)
    members = found.memberships.select_related("user")
    context = project_context(request, found, "project_people")
    context |= {"members": members, "form": form, "roles": Membership.Role.choices}
    return render(request, "portal/people.html", context, status=status_of(form))


@login_required
@require_POST
def set_role(request: HttpRequest, code: str, person_id: int) -> HttpResponse:
    membership = get_object_or_404(managed_project(request, code).memberships.select_related("user"), user=person_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid("Choose one of the roles: manager, operator or viewer.")
    try:
        change_role(membership=membership, role=form.cleaned_data["role"], actor=signed_in_actor(request))
    except Conflict as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{membership.user.email} is {membership.get_role_display().lower()} now.")
    return redirect("project_people", code=code)


@login_required
@form_page
def remove(request: HttpRequest, code: str, person_id: int) -> HttpResponse:
    """Asks on GET, does it on POST."""
    found = managed_project(request, code)
    membership = get_object_or_404(found.memberships.select_related("user"), user=person_id)
    if request.method == "POST":
        try:
            remove_member(membership=membership, actor=signed_in_actor(request))
        except Conflict as error:
            messages.error(request, error.message)
        else:
            messages.success(request, f"{membership.user.email} was removed from the project.")
        return redirect("project_people", code=code)
    who = membership.user.get_full_name()
    context = {
        "title": f"Remove {who}?",
        "sentence": f"{who} will no longer see {found.name} and its datasets.",
        "consequences": [
            "The account stays, and so does what they did in the audit.",
            "Links they made go on working; revoke those on the dataset's page.",
            "They can be added again at any time.",
        ],
        "action": "Remove from the project",
        "cancel_url": reverse("project_people", kwargs={"code": code}),
    }
    return render(request, "confirm.html", context)
