"""A whole portal (web, worker, clock, broker) in a folder of its own, with a facility in the middle of its work."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks.ports import free_port
from deploy.one_machine import portal_running
from portal.config import ROOT

AT_HOME = {"LABCOURIER_BROKER_URL": "", "LABCOURIER_CACHE_URL": "", "LABCOURIER_DATABASE_URL": ""}


@dataclass(frozen=True)
class Facility:
    """Where it is, who may log in (e-mail and password), and what is worth looking at."""

    url: str
    var: Path
    logins: dict[str, tuple[str, str]]
    datasets: dict[str, str]
    tokens: dict[str, str]
    drops: dict[str, str]
    renewals: dict[str, str]
    answers: dict[str, str]
    made_links: dict[str, int]

    def dataset(self, name: str) -> str:
        return f"/datasets/{self.datasets[name]}/"

    def link(self, name: str) -> str:
        return f"/s/{self.tokens[name]}"

    def link_page(self, name: str) -> str:
        """For members."""
        return f"/links/{self.made_links[name]}/"

    def answer(self, name: str) -> str:
        """Where somebody who was warned of a deletion says what they want."""
        return f"/keep/{self.answers[name]}"

    def drop(self, name: str) -> str:
        return f"/drop/{self.drops[name]}"


@contextmanager
def facility_running(var: Path) -> Iterator[Facility]:
    """Fills the folder ``var``, then runs the portal there until the block is left."""
    environment = {**os.environ, **AT_HOME, "LABCOURIER_VAR": str(var), "LABCOURIER_LOG_LEVEL": "ERROR"}
    _run("manage.py", "migrate", "--verbosity", "0", environment=environment)
    told = json.loads(_run("-m", "tests.browser.facility", environment=environment))
    port = free_port()
    with portal_running(port, var=var, log_folder=var / "log", settings=AT_HOME):
        yield Facility(f"http://127.0.0.1:{port}", var, **told)


def _run(*arguments: str, environment: dict[str, str]) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
