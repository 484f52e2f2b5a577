"""What of this room needs a person now (`settings.HOME_NEEDS`)."""

from datetime import datetime

from portal.access import visible_projects
from portal.models import User
from portal.needs import SHOWN, Need
from portal.templatetags.quantities import counted
from portal.templatetags.times import relative_text
from uploads.agent_pages import agents_address
from uploads.models import Agent, Upload
from uploads.stalled import Stalled, stalled_datasets


def silent_agents(person: User, now: datetime) -> list[Need]:
    """Agents that were to report and did not, those that fell silent last first. Cost: one query."""
    silent = Agent.objects.silent(now).filter(token__project__in=visible_projects(person))
    found = silent.select_related("token__project", "token__instrument").order_by("-silent_from")[:SHOWN]
    return [_silent(agent, now) for agent in found]


def _silent(agent: Agent, now: datetime) -> Need:
    source = agent.token.instrument.name if agent.token.instrument else agent.token.project.name
    when = relative_text((agent.last_heard_at - now).total_seconds())
    waiting = f" with {counted(agent.queue_files, 'file,files')} still to send" if agent.queue_files else ""
    text = f"the agent on {agent.host} was last heard {when}{waiting}. Look at that computer."
    address = agents_address(agent.token.project, agent.token.instrument)
    return Need("silent", source, address, text, "See the agent")


def stalled_uploads(person: User, now: datetime) -> list[Need]:
    """Datasets with uploads that were begun, are not whole, and got no byte for a while. Cost: three queries."""
    theirs = Upload.objects.filter(dataset__project__in=visible_projects(person))
    stalled, _ = stalled_datasets(theirs, now, SHOWN)
    return [_need(each, now) for each in stalled]


def _need(stalled: Stalled, now: datetime) -> Need:
    when = relative_text((stalled.last - now).total_seconds())
    text = (
        f"{counted(stalled.number, 'upload,uploads')} stopped; the last bytes came {when}. "
        "Look at the instrument's computer."
    )
    return Need("stalled", stalled.dataset.title, stalled.dataset.get_absolute_url(), text, "See the dataset")
