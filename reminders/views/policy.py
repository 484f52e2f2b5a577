"""A manager's page: how a project reminds, with the days on which a link of today would be spoken of."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.access import signed_in_actor
from portal.errors import Invalid
from portal.forms import tell
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context
from reminders.due import LinkFacts, all_slots
from reminders.forms import ReminderPolicyForm
from reminders.models import ReminderPolicy
from reminders.services.policies import change_policy, policy_of, policy_row

SECTION = "project_reminders"
LISTED = 12


@login_required
@form_page
def reminders(request: HttpRequest, code: str) -> HttpResponse:
    project = managed_project(request, code)
    form = ReminderPolicyForm(request.POST or None, instance=policy_row(project))
    if form.is_valid() and "preview" not in request.POST:
        try:
            change_policy(project=project, actor=signed_in_actor(request), **form.cleaned_data)
        except Invalid as error:
            tell(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect(SECTION, code=code)
    shown = policy_row(project) if form.errors else form.instance
    context = {**project_context(request, project, SECTION), "form": form, "preview": _preview(shown, timezone.now())}
    return render(request, "reminders/policy.html", context, status=status_of(form))


def _preview(policy: ReminderPolicy, now: datetime) -> dict[str, object]:
    """When a recipient who gets a link now, for as long as links last, would be reminded."""
    project = policy.project
    ends_at = now + project.link_lifetime
    slots = all_slots(policy_of(policy), LinkFacts(now, ends_at))
    return {
        "times": [slot.at.astimezone(project.zone) for slot in slots[:LISTED]],
        "more": len(slots) > LISTED,
        "reminds": policy.reminds,
        "ends_at": ends_at.astimezone(project.zone),
        "zone": project.zone.key,
    }
