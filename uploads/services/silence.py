"""Agents that were to report and did not: people are told once for each silence."""

from datetime import datetime

from django.db import transaction

from portal.models import Membership
from portal.outbox import new_notice, queue_notices
from uploads import events
from uploads.models import Agent, UploadToken

_AT_ONCE = 500


def tell_silent_agents(*, now: datetime, dry_run: bool = False) -> list[Agent]:
    """Mail about agents that fell silent; those that were, or would be, told of.

    Run it as often as you like, also twice at once: whoever marks an agent mails. An agent that is heard again is
    unmarked by its heartbeat, so its next silence is told again. Cost: one query, and a few for each silence.
    """
    silent = Agent.objects.silent(now).filter(silence_told_at=None)
    found = list(silent.select_related("token__project", "token__instrument").order_by("silent_from")[:_AT_ONCE])
    return found if dry_run else [agent for agent in found if _tell(agent, now)]


def _tell(agent: Agent, now: datetime) -> bool:
    with transaction.atomic():
        unheard = Agent.objects.filter(pk=agent.pk, last_heard_at=agent.last_heard_at, silence_told_at=None)
        if not unheard.update(silence_told_at=now):
            return False
        queue_notices(
            new_notice("agent-silent", address, subject_id=agent.pk, slot=agent.last_heard_at.isoformat())
            for address in addresses_of(agent.token)
        )
        events.agent_silent(agent)
    return True


def addresses_of(token: UploadToken) -> list[str]:
    """Who is told: the token's addresses, else the project's managers, else its contact address."""
    if token.notification_emails:
        return list(token.notification_emails)
    managers = token.project.memberships.filter(role=Membership.Role.MANAGER, user__is_active=True)
    return list(managers.values_list("user__email", flat=True)) or [token.project.contact_email]
