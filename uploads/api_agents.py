"""What agents tell of themselves: POST /api/v1/heartbeat."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from uploads.access import Sender, sender_of
from uploads.agent_versions import AGENT_VERSION_LATEST, AGENT_VERSION_MIN
from uploads.schemas_agents import HeardOut, HeartbeatIn
from uploads.services.heartbeat import hear

router = Router(auth=sender_of, tags=["agents"])


@router.post("/heartbeat", response=HeardOut)
def heartbeat(request: HttpRequest, told: HeartbeatIn) -> HeardOut:
    """How an agent is; it is shown on the instrument's page, and missed when it does not come. Cost: one UPDATE."""
    now = timezone.now()
    hear(sender=_sender(request), beat=told.beat(), now=now)
    return HeardOut(server_time=now, agent_version_latest=AGENT_VERSION_LATEST, agent_version_min=AGENT_VERSION_MIN)


def _sender(request: Any) -> Sender:
    """The router puts what `sender_of` gave on the request."""
    sender: Sender = request.auth
    return sender
