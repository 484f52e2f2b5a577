"""An agent tells how it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from portal.errors import Conflict, Forbidden
from uploads.access import Sender
from uploads.models import Agent, patience_with

AGENTS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Beat:
    """What one heartbeat says; sizes in bytes. ``folders`` as in the contract, bounded by the schema."""

    agent_id: UUID
    host: str
    version: str
    platform: str
    interval_s: int
    started_at: datetime
    folders: list[dict[str, Any]]
    queue_files: int
    queue_bytes: int
    last_error: str
    last_error_at: datetime | None
    disk_free: int | None
    disk_total: int | None
    stopping: bool


def hear(*, sender: Sender, beat: Beat, now: datetime) -> None:
    """Note what an agent says of itself. Raises Forbidden for a person, Conflict for one agent too many.

    Cost: one UPDATE; with the first beat of an agent two queries more.
    """
    if sender.token is None:
        raise Forbidden("Only agents report themselves. Send an upload token.")
    known = Agent.objects.filter(family=sender.token.family, agent_id=beat.agent_id)
    said = _said(beat, now) | {"token_id": sender.token.pk}
    if known.update(**said):
        return
    if Agent.objects.filter(family=sender.token.family).count() >= AGENTS_LIMIT:
        raise Conflict(
            f"{AGENTS_LIMIT} agents report with this token already. "
            "Remove those that are gone, on the instrument's page."
        )
    try:
        with transaction.atomic():
            Agent.objects.create(family=sender.token.family, agent_id=beat.agent_id, first_heard_at=now, **said)
    except IntegrityError:  # its very first beat, twice at once
        known.update(**said)


def _said(beat: Beat, now: datetime) -> dict[str, Any]:
    return {
        "host": beat.host,
        "version": beat.version,
        "platform": beat.platform,
        "interval_s": beat.interval_s,
        "started_at": beat.started_at,
        "last_heard_at": now,
        "silent_from": now + patience_with(beat.interval_s),
        "stopped_at": now if beat.stopping else None,
        "silence_told_at": None,
        "folders": beat.folders,
        "queue_files": beat.queue_files,
        "queue_bytes": beat.queue_bytes,
        "last_error": beat.last_error,
        "last_error_at": beat.last_error_at,
        "disk_free": beat.disk_free,
        "disk_total": beat.disk_total,
    }
