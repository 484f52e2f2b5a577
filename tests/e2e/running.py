"""A whole portal with the facility of the demo, and agents that send to it: what end-to-end tests stand on."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks.ports import free_port
from deploy.one_machine import portal_running
from deploy.program_group import ProgramGroup
from portal.config import ROOT

AGENT = [sys.executable, "-m", "labcourier_agent"]
EMBEDDED = {"LABCOURIER_BROKER_URL": "", "LABCOURIER_CACHE_URL": "", "LABCOURIER_DATABASE_URL": ""}


@dataclass(frozen=True)
class Portal:
    """``facility`` is what ``demo.facility`` tells: logins, upload token, project."""

    address: str
    var: Path
    facility: dict[str, Any]
    programs: ProgramGroup

    def count(self, query: str) -> int:
        """One number from the portal's database, read beside it."""
        with closing(sqlite3.connect(self.var / "db.sqlite3", timeout=20)) as database:
            return int(database.execute(query).fetchone()[0])


@dataclass(frozen=True)
class Agent:
    """Ada: an instrument PC with a folder of its own for token and journal."""

    home: Path
    log: Path
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def connect(self, address: str, token: str) -> "subprocess.CompletedProcess[str]":
        return self.run("connect", address, "--token", token, "--default")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*AGENT, *arguments]
        return subprocess.run(command, env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            agent = subprocess.Popen([*AGENT, *arguments], env=self.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        self.started.append(agent)
        return agent

    def switch_off(self) -> None:
        """Ends what a failed test left running."""
        for agent in (agent for agent in self.started if agent.poll() is None):
            agent.kill()
            agent.communicate()

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "LABCOURIER_HOME": str(self.home)}


@contextmanager
def whole_portal(var: Path) -> Iterator[Portal]:
    """Web, worker, clock and broker on a free port, with ``var`` for everything they write."""
    port = free_port()
    with portal_running(port, var=var, log_folder=var / "log", settings=EMBEDDED) as programs:
        command = [sys.executable, "-m", "demo.facility", str(var / "none.json")]
        made = subprocess.run(command, env={**programs.env}, cwd=ROOT, capture_output=True, check=True)
        yield Portal(f"http://127.0.0.1:{port}", var, json.loads(made.stdout), programs)
