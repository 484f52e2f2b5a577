"""An instrument: its agents and how they are, what it sent, how a computer of it is set up."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import signed_in_actor
from portal.keyset import BY_CREATION, newest_first
from portal.models import Instrument
from portal.panels import row_notes
from portal.views.fetch import managed_project, person_of, project_of
from portal.views.form_pages import form_page
from portal.views.projects import project_context
from uploads.agent_pages import agents_address
from uploads.agent_versions import AGENT_VERSION_LATEST, is_outdated
from uploads.forms import UploadTokenForm
from uploads.models import Agent, UploadToken
from uploads.services.agents import forget_agent
from uploads.views.tokens import token_row

SECTION = "project_instruments"


@login_required
@require_safe
def instrument(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    project = project_of(request, code)
    found = get_object_or_404(project.instruments, slug=slug)
    now = timezone.now()
    datasets = found.datasets.select_related("project", "instrument")
    page = newest_first(datasets, request.GET, BY_CREATION)
    context = project_context(request, project, SECTION)
    context |= {"instrument": found, "page": page, "notes": row_notes(page.rows), **_agents(found, now)}
    if context["manages"]:
        tokens = UploadToken.objects.filter(instrument=found).select_related("created_by", "replaced_by", "instrument")
        begin = {"label": f"{found.name}, control PC", "notification_emails": person_of(request).email}
        context["rows"] = [token_row(token, now) for token in tokens]
        context["setup"] = UploadTokenForm(project=project, initial={**begin, "instrument": found.pk})
    return render(request, "uploads/instrument.html", context)


@never_cache
@login_required
@require_safe
def agents(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """The part of the page that moves."""
    project = project_of(request, code)
    found = get_object_or_404(project.instruments, slug=slug)
    context = project_context(request, project, SECTION)
    return render(request, "uploads/agents.html", {**context, "instrument": found, **_agents(found, timezone.now())})


@login_required
@form_page
def forget(request: HttpRequest, code: str, agent_number: int) -> HttpResponse:
    project = managed_project(request, code)
    agents = Agent.objects.select_related("token__instrument", "token__project")
    agent = get_object_or_404(agents, token__project=project, pk=agent_number)
    back = agents_address(project, agent.token.instrument)
    if request.method == "POST":
        forget_agent(agent=agent, actor=signed_in_actor(request))
        messages.success(request, f"The agent on {agent.host} was removed from the list.")
        return redirect(back)
    context = {
        "title": f"Remove the agent on {agent.host}?",
        "sentence": "Nobody is told any more that it is silent.",
        "consequences": [
            "Its token stays as it is; revoke it if the computer is gone for good.",
            "An agent that still runs comes back with its next report.",
        ],
        "action": "Remove agent",
        "cancel_url": back,
    }
    return render(request, "confirm.html", context)


def _agents(found: Instrument, now: datetime) -> dict[str, object]:
    """Cost: one query."""
    agents = Agent.objects.filter(token__instrument=found).select_related("token").newest_first()
    rows = [_row(agent, now) for agent in agents]
    said = ", ".join(f"{row['agent']} {row['state']}" for row in rows)
    return {"agents": rows, "agent_version_latest": AGENT_VERSION_LATEST, "said": said}


def _row(agent: Agent, now: datetime) -> dict[str, object]:
    used = (agent.disk_total or 0) - (agent.disk_free or 0)
    return {
        "agent": agent,
        "state": agent.state(now),
        "outdated": is_outdated(agent.version),
        "disk_used": max(used, 0),
        "disk_used_percent": 100 * max(used, 0) // agent.disk_total if agent.disk_total else None,
        "disk_is_short": bool(agent.disk_total) and (agent.disk_free or 0) * 10 < (agent.disk_total or 0),
    }
