"""A manager's page: who gets more time at once, and for how long."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.access import signed_in_actor
from portal.errors import Invalid
from portal.forms import tell
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context
from sharing.forms import RenewalPolicyForm
from sharing.models import policy_of
from sharing.services.renewal_policies import change_renewal_policy


@login_required
@form_page
def more_time_policy(request: HttpRequest, code: str) -> HttpResponse:
    project = managed_project(request, code)
    form = RenewalPolicyForm(request.POST or None, instance=policy_of(project))
    if form.is_valid():
        try:
            change_renewal_policy(project=project, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("project_settings", code=code)
    context = {**project_context(request, project, "project_settings"), "form": form}
    return render(request, "sharing/renewal_policy.html", context, status=status_of(form))
