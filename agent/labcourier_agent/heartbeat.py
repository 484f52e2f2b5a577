"""Telling portals, every minute, that `watch` runs here and how its folders stand. Trouble with it stops nothing."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from labcourier_agent import __version__
from labcourier_agent.exits import AgentError
from labcourier_agent.log_file import redacted
from labcourier_agent.portal_client import PortalClient
from labcourier_agent.progress import LOGGER
from labcourier_agent.settings import Folders, Portal, Portals, make_private
from labcourier_agent.watch_standing import FolderStanding, StandingBoard, WatchStanding
from labcourier_agent.wire import open_http

INTERVAL = 60
# `watch` needs a moment before it can tell how its folders stand.
UNTIL_FOLDERS_STAND = 1.0
ANSWER_WITHIN = 10.0
AGENT_ID_FILE = "agent-id"
# What a portal takes; longer lists and texts are cut.
MOST_FOLDERS = 100
LONGEST_TEXT = 500


class Heartbeat:
    """Used as a context manager around the work of `watch`: beats at once, every `interval` seconds, and at the end.

    `read_portals` is asked before each beat: a renewed token is used from then on. Each portal of a watched folder is
    told about its own folders alone.
    """

    def __init__(
        self, folders: Folders, read_portals: Callable[[], Portals], board: StandingBoard, interval: int = INTERVAL
    ) -> None:
        self._folders = folders
        self._read_portals = read_portals
        self._board = board
        self._interval = interval
        self._ended = threading.Event()
        self._silent: set[str] = set()
        self._thread = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """The last beat says that the silence to come is meant. It is waited for, but not for long."""
        self._board.post_stopping()
        self._ended.set()
        self._thread.join(ANSWER_WITHIN)

    def _keep_beating(self) -> None:
        while not self._ended.is_set():
            self.beat()
            self._ended.wait(self._interval if self._board.read().folders else UNTIL_FOLDERS_STAND)
        self.beat()

    def beat(self) -> None:
        standing = self._board.read()
        try:
            agent_id = agent_id_in(self._folders.state)
            portals = self._read_portals().known
        except (AgentError, OSError) as error:
            LOGGER.debug("no heartbeat: %s", error)
            return
        for portal in portals:
            folders = [folder for folder in standing.folders if folder.portal == portal.name]
            if folders:
                self._tell(portal, message(standing, folders, agent_id, self._interval))

    def _tell(self, portal: Portal, beat: dict[str, Any]) -> None:
        """A portal that cannot be told is named once; it is tried again at the next beat."""
        with open_http(portal.token, answer_within=ANSWER_WITHIN) as http:
            try:
                PortalClient(http, portal.url).heartbeat(beat)
            except AgentError as error:
                if portal.name not in self._silent:
                    LOGGER.info("%s was not told how this agent is: %s", portal.name, error.sentence)
                self._silent.add(portal.name)
                return
        self._silent.discard(portal.name)


def message(
    standing: WatchStanding, folders: Sequence[FolderStanding], agent_id: UUID, interval: int
) -> dict[str, Any]:
    """The body of POST /api/v1/heartbeat about `folders`."""
    return {
        "agent_id": str(agent_id),
        "host": socket.gethostname(),
        "agent_version": __version__,
        "platform": f"{platform.system()} {platform.release()}".strip(),
        "interval_s": interval,
        "started_at": standing.started_at.isoformat(),
        "folders": [_folder(folder) for folder in folders[:MOST_FOLDERS]],
        "queue": {
            "files": sum(folder.files_waiting for folder in folders),
            "bytes": sum(folder.bytes_waiting for folder in folders),
        },
        "last_error": _text(standing.last_error) if standing.last_error else None,
        "last_error_at": _moment(standing.last_error_at),
        "disk": _disk(folders),
        "stopping": standing.stopping,
    }


def agent_id_in(state: Path) -> UUID:
    """Made once for this computer and user, then always the same. Errors: OSError, BadUsage."""
    file = state / AGENT_ID_FILE
    try:
        return UUID(file.read_text(encoding="ascii").strip())
    except (FileNotFoundError, ValueError):
        make_private(state)
    made = uuid4()
    descriptor, draft = tempfile.mkstemp(dir=state, prefix=AGENT_ID_FILE)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{made}\n")
    Path(draft).replace(file)
    return made


def _folder(folder: FolderStanding) -> dict[str, Any]:
    return {
        "path": _text(folder.path),
        "state": folder.state.value,
        "files_waiting": folder.files_waiting,
        "bytes_waiting": folder.bytes_waiting,
        "datasets_open": folder.datasets_open,
        "message": _text(folder.message),
    }


def _disk(folders: Sequence[FolderStanding]) -> dict[str, int] | None:
    """The fullest disk under the watched folders: it is the one that will stop the instrument."""
    usages = []
    for folder in folders:
        try:
            usages.append(shutil.disk_usage(folder.path))
        except OSError:
            continue
    if not usages:
        return None
    fullest = min(usages, key=lambda usage: usage.free)
    return {"free": fullest.free, "total": fullest.total}


def _text(text: str) -> str:
    """Without control characters, which a portal refuses."""
    return "".join(letter if letter.isprintable() else "?" for letter in redacted(text)[:LONGEST_TEXT])


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
