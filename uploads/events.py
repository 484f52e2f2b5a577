"""What the audit hears from this room, one function an event. Call each last in its transaction."""

from datetime import datetime
from typing import Any

from portal.actors import SYSTEM, Actor
from portal.audit import record
from portal.models import DataFile, Dataset
from uploads.models import Agent, Bundle, DropLink, Upload, UploadToken


def token_made(token: UploadToken, actor: Actor) -> None:
    instrument = token.instrument.slug if token.instrument else ""
    record("upload_token_made", actor, project=token.project, subject=token.label, instrument=instrument)


def token_renewed(token: UploadToken, actor: Actor, overlap_hours: int) -> None:
    record("upload_token_renewed", actor, project=token.project, subject=token.label, overlap_hours=overlap_hours)


def token_revoked(token: UploadToken, actor: Actor) -> None:
    record("upload_token_revoked", actor, project=token.project, subject=token.label)


def agent_silent(agent: Agent) -> None:
    record("agent_silent", SYSTEM, project=agent.token.project, subject=agent.host, **_about(agent))


def agent_forgotten(agent: Agent, actor: Actor) -> None:
    record("agent_forgotten", actor, project=agent.token.project, subject=agent.host, **_about(agent))


def _about(agent: Agent) -> dict[str, Any]:
    instrument = agent.token.instrument.slug if agent.token.instrument else ""
    return {"agent": str(agent.agent_id), "instrument": instrument, "last_heard": agent.last_heard_at.isoformat()}


def drop_link_made(link: DropLink, actor: Actor) -> None:
    record("drop_link_made", actor, project=link.project, subject=link.title, expires_at=link.expires_at.isoformat())


def drop_link_revoked(link: DropLink, actor: Actor) -> None:
    record("drop_link_revoked", actor, project=link.project, subject=link.title)


def dataset_created(dataset: Dataset, actor: Actor) -> None:
    record("dataset_created", actor, dataset=dataset, subject=dataset.title)


def dataset_closed(dataset: Dataset, actor: Actor) -> None:
    record("dataset_closed", actor, dataset=dataset, files=dataset.file_count, bytes=dataset.bytes_expected)


def dataset_released(dataset: Dataset) -> None:
    record(
        "dataset_released",
        SYSTEM,
        dataset=dataset,
        bytes=dataset.bytes_verified,
        files=dataset.verified_count,
        revision=dataset.revision,
    )


def dataset_no_longer_safe(dataset: Dataset, since: datetime | None) -> None:
    """Its sources must not be deleted any more; they could have been, from `since` on."""
    record("dataset_no_longer_safe", SYSTEM, dataset=dataset, since=since.isoformat() if since else "")


def older_version_downloaded(file: DataFile, actor: Actor) -> None:
    record("older_version_downloaded", actor, dataset=file.dataset, subject=file.path, bytes=file.size, version=file.pk)


def files_corrupt(dataset: Dataset, files: list[DataFile]) -> None:
    """One event for a batch; names the first twenty."""
    named = [{"path": file.path, "reason": file.reason} for file in files[:20]]
    record("files_corrupt", SYSTEM, dataset=dataset, subject=files[0].path, count=len(files), files=named)


def files_withdrawn(dataset: Dataset, actor: Actor, files: list[DataFile]) -> None:
    """One event for a batch; names the first twenty."""
    named = [{"path": file.path} for file in files[:20]]
    record("files_withdrawn", actor, dataset=dataset, subject=files[0].path, count=len(files), files=named)


def bundle_refused(bundle: Bundle, dataset: Dataset, reason: str) -> None:
    count = bundle.file_count - bundle.done_count
    record("bundle_refused", SYSTEM, dataset=dataset, subject=bundle.pk, count=count, reason=reason)


def bytes_lost(upload: Upload, reason: str) -> None:
    path = upload.file.path if upload.file else ""
    record(
        "upload_bytes_lost",
        SYSTEM,
        project=upload.project,
        dataset=upload.dataset,
        subject=path,
        bytes=upload.offset,
        reason=reason,
    )


def upload_expired(upload: Upload) -> None:
    path = upload.file.path if upload.file else ""
    record(
        "upload_expired",
        SYSTEM,
        project=upload.project,
        dataset=upload.dataset,
        subject=path,
        bytes=upload.offset,
        complete=False,
    )
