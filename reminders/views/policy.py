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
from portal.models import Dataset, Project
from portal.views.fetch import managed_project
from portal.views.form_pages import form_page, status_of
from portal.views.projects import project_context
from reminders.due import LinkFacts, all_slots
from reminders.forms import ReminderPolicyForm
from reminders.models import ReminderPolicy
from reminders.services.copies import addresses_of
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
    context = {
        **project_context(request, project, SECTION),
        "form": form,
        "preview": _preview(shown, timezone.now()),
        "copies": _copies(shown),
        "metadata_names": _metadata_names(project),
    }
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


def _copies(policy: ReminderPolicy) -> dict[str, object] | None:
    """Who would hear of reminders about the newest dataset: a name that leads to no address shows there."""
    newest = Dataset.objects.filter(project=policy.project).select_related("project").order_by("-created_at").first()
    if newest is None or policy.copies_to == ReminderPolicy.CopiesTo.NOBODY:
        return None
    addresses, by_name = addresses_of(newest, policy), policy.copies_to == ReminderPolicy.CopiesTo.METADATA
    lacks = by_name and addresses[0] not in str(newest.metadata.get(policy.metadata_key, ""))
    return {"dataset": newest, "addresses": addresses, "lacks": policy.metadata_key if lacks else ""}


def _metadata_names(project: Project) -> list[str]:
    """Those that the project's instruments ask for."""
    templates = project.instruments.values_list("metadata_template", flat=True)
    return sorted({field["name"] for template in templates for field in template})
