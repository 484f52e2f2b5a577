"""What the portal does not have, or not as it was sent, is sent again: within bounds, and said."""

from __future__ import annotations

from collections.abc import Sequence

from labcourier_agent.exits import AgentError, Conflict, Refused
from labcourier_agent.progress import LOGGER
from labcourier_agent.records import FileRow
from labcourier_agent.tus_client import TusClient
from labcourier_agent.upload import Way

CORRUPT = "The portal read back something else than was sent."
MISSING = "The portal does not have it, although it took every byte."


def send_again(way: Way, row: FileRow, reason: str) -> None:
    if way.ledger.note_corrupt(row, reason):
        way.notices.say(f"{row.path}: {reason} It is sent again.")
    else:
        way.notices.say_failed(row.path, f"{reason} It is not tried any more.")


def send_missing_again(way: Way, conflict: Conflict) -> None:
    """What `files_missing` names goes back to where it can be mended. Errors: Refused for files that are not ours."""
    states = {entry["path"]: entry["state"] for entry in conflict.detail.get("files", [])}
    rows = way.ledger.known_to_portal_as(list(states))
    for row in rows:
        if states[row.portal_path] == "received":
            way.ledger.note_unstated(row)
        else:
            send_again(way, row, CORRUPT if states[row.portal_path] == "corrupt" else MISSING)
    _send_bundles_again(way, conflict.detail.get("bundles", []))
    strangers = sorted(states.keys() - {row.portal_path for row in rows})
    if strangers or not (states or conflict.detail.get("bundles")):
        raise Refused(f"{conflict.sentence} Not among the files sent from here: {', '.join(strangers[:5])}.")


def _send_bundles_again(way: Way, upload_ids: Sequence[str]) -> None:
    """Ours are packed anew. Others are those whose address was lost with an answer: nothing will ever complete them."""
    ours = {upload_id: bundle for bundle, upload_id in way.bundles.at_portal()}
    for upload_id in upload_ids:
        if upload_id in ours:
            way.bundles.begin_anew(ours[upload_id])
    terminate(way.tus, [way.tus.address(upload_id) for upload_id in upload_ids])


def terminate(tus: TusClient, urls: Sequence[str]) -> None:
    """Uploads that nobody will go on with. Best effort: what stays behind expires at the portal."""
    for url in urls:
        try:
            tus.terminate(url)
        except AgentError as error:
            LOGGER.debug("upload %s is left to expire: %s", url, error.sentence)
