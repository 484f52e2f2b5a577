"""What people do with agents."""

from django.db import transaction

from portal.actors import Actor
from uploads import events
from uploads.models import Agent


def forget_agent(*, agent: Agent, actor: Actor) -> None:
    """It is gone for good; nobody misses it. One that still runs is back with its next heartbeat."""
    with transaction.atomic():
        events.agent_forgotten(agent, actor)
        agent.delete()
