"""Where the agent keeps things, and the portals it is connected to."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from labcourier_agent.exits import BadUsage, NotFound

PORTALS_FILE = "portals.json"
JOURNAL_FILE = "journal.sqlite3"


@dataclass(frozen=True)
class Folders:
    """`config` holds the tokens, `state` the journal and the locks. Both are for their owner alone."""

    config: Path
    state: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Folders:
        home = environment.get("LABCOURIER_HOME")
        if home:
            return cls(Path(home).absolute(), Path(home).absolute())
        return cls(
            platformdirs.user_config_path("labcourier", appauthor=False),
            platformdirs.user_state_path("labcourier", appauthor=False),
        )

    @property
    def journal(self) -> Path:
        return self.state / JOURNAL_FILE

    @property
    def locks(self) -> Path:
        return self.state / "locks"


@dataclass(frozen=True)
class Portal:
    """One connection: an address with the token for one project (or one of its instruments)."""

    name: str
    url: str
    token: str
    project: str

    def __repr__(self) -> str:
        return f"Portal({self.name!r}, {self.url!r}, project={self.project!r})"


@dataclass(frozen=True)
class Portals:
    known: tuple[Portal, ...] = ()
    default: str = ""

    def choose(self, name: str | None) -> Portal:
        if not self.known:
            raise NotFound("No portal is connected yet: run `labcourier connect URL --token TOKEN` first.")
        wanted = name or self.default
        for portal in self.known:
            if portal.name == wanted:
                return portal
        names = ", ".join(portal.name for portal in self.known)
        raise NotFound(f"No portal is called {wanted}. Connected are: {names}.")

    def with_portal(self, portal: Portal, *, as_default: bool) -> Portals:
        others = tuple(known for known in self.known if known.name != portal.name)
        default = portal.name if as_default or not self.default else self.default
        return Portals((*others, portal), default)

    def name_for(self, url: str, project: str) -> str:
        """A renewed token keeps its name; otherwise the project's code, with the host where two portals share it."""
        for portal in self.known:
            if (portal.url, portal.project) == (url, project):
                return portal.name
        taken = {portal.name for portal in self.known}
        return project if project not in taken else f"{project}@{urlsplit(url).netloc}"


def read_portals(folder: Path) -> Portals:
    file = folder / PORTALS_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return Portals(tuple(Portal(**entry) for entry in document["portals"]), document["default"])
    except FileNotFoundError:
        return Portals()
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadUsage(f"{file} is damaged: remove it and run `labcourier connect` again.") from error


def store_portals(folder: Path, portals: Portals) -> None:
    document = {"default": portals.default, "portals": [asdict(portal) for portal in portals.known]}
    store_private(folder, PORTALS_FILE, document)


def store_private(folder: Path, name: str, document: object) -> None:
    """Replaces the file as a whole; it is readable by its owner alone from the first byte (mkstemp makes it 0600)."""
    make_private(folder)
    descriptor, draft = tempfile.mkstemp(dir=folder, prefix=name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(folder / name)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadUsage(
            f"{folder} cannot be made ({error.strerror}): set LABCOURIER_HOME to a folder that can be written."
        ) from error
