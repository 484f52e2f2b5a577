"""Agents and how they are: of one instrument, and of computers that send for none in particular."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access import signed_in_actor
from portal.models import Instrument, Project
from portal.views.fetch import managed_project, project_of
from portal.views.form_pages import form_page
from portal.views.projects import project_context
from uploads.agent_pages import agents_address
from uploads.agent_versions import AGENT_VERSION_LATEST, is_outdated
from uploads.models import Agent
from uploads.services.agents import forget_agent

SECTION = "project_instruments"


@never_cache
@login_required
@require_safe
def instrument_agents(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """The part of the instrument's page that moves."""
    project = project_of(request, code)
    found = get_object_or_404(project.instruments, slug=slug)
    context = project_context(request, project, SECTION)
    return render(request, "uploads/agents.html", {**context, **agents_of(project, found, timezone.now())})


@never_cache
@login_required
@require_safe
def project_agents(request: HttpRequest, code: str) -> HttpResponse:
    """Those whose token is of no instrument in particular."""
    project = project_of(request, code)
    context = project_context(request, project, SECTION)
    return render(request, "uploads/project_agents.html", {**context, **agents_of(project, None, timezone.now())})


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


def agents_of(project: Project, instrument: Instrument | None, now: datetime) -> dict[str, object]:
    """What ``uploads/agents.html`` shows. Cost: one query."""
    agents = Agent.objects.filter(token__project=project, token__instrument=instrument)
    rows = [_row(agent, now) for agent in agents.select_related("token").newest_first()]
    said = ", ".join(f"{row['agent']} {row['state']}" for row in rows)
    return {"agents": rows, "agent_version_latest": AGENT_VERSION_LATEST, "said": said, "instrument": instrument}


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
