"""What this room tells the storage report: what was begun and does not come on (`settings.STORAGE_REPORT_SECTIONS`)."""

from datetime import datetime

from portal.storage_sections import SHOWN, Cell, Section, count_cell, size_cell
from portal.templatetags.times import relative_text
from uploads.agent_pages import agents_address
from uploads.models import Agent, Upload
from uploads.stalled import Stalled, stalled_datasets


def stalled_uploads(now: datetime) -> Section | None:
    """Datasets with uploads that get no byte, those that wait longest first. Cost: at most three queries."""
    found, more = stalled_datasets(Upload.objects.all(), now, SHOWN)
    if not found:
        return None
    return Section(
        "stalled",
        "Stalled uploads",
        ["Dataset", "Project", "Uploads", "Received of them", "Last byte"],
        [_stalled_row(each, now) for each in found],
        lead="Begun, not whole, and no byte came for a while. Look at the instruments’ computers.",
        more=more,
    )


def _stalled_row(stalled: Stalled, now: datetime) -> list[Cell]:
    dataset = stalled.dataset
    return [
        Cell(dataset.title, url=dataset.get_absolute_url(), state="stalled"),
        Cell(dataset.project.name),
        count_cell(stalled.number),
        size_cell(stalled.came, of=stalled.length),
        Cell(relative_text((stalled.last - now).total_seconds())),
    ]


def silent_agents(now: datetime) -> Section | None:
    """Agents that were to report and did not, those that fell silent last first. Cost: two queries."""
    silent = Agent.objects.silent(now)
    found = list(silent.select_related("token__project", "token__instrument").order_by("-silent_from")[:SHOWN])
    if not found:
        return None
    return Section(
        "silent",
        "Silent agents",
        ["Computer", "Sends for", "Last heard", "Files waiting", "Bytes waiting"],
        [_agent_row(agent, now) for agent in found],
        lead="They were to report and did not; what waits there is what they said last.",
        more=silent.count() - len(found),
    )


def _agent_row(agent: Agent, now: datetime) -> list[Cell]:
    source = agent.token.instrument.name if agent.token.instrument else agent.token.project.name
    return [
        Cell(agent.host, url=agents_address(agent.token.project, agent.token.instrument), state="silent"),
        Cell(source),
        Cell(relative_text((agent.last_heard_at - now).total_seconds())),
        count_cell(agent.queue_files),
        size_cell(agent.queue_bytes),
    ]
