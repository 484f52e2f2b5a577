"""A portal to be measured: all its programs in a folder of its own, an instrument's token, and the real agent."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks.ports import free_port
from deploy.one_machine import portal_running
from deploy.program_group import ProgramGroup
from portal.config import ROOT

AGENT = [sys.executable, "-m", "labcourier_agent"]
MAIL_SECONDS = 90
BETWEEN_MAILS = "\n" + "-" * 79 + "\n"  # as Django writes those that went out together into one file
LINK = re.compile(r"http://\S+/s/[A-Za-z0-9_.~-]+")


@dataclass(frozen=True)
class Stage:
    """``folder`` is scratch space on the file system the portal stores on."""

    url: str
    folder: Path
    programs: ProgramGroup

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.programs.running.values()]

    @property
    def web_pid(self) -> int:
        return self.programs.running["web"].pid

    def start_agent(self, *arguments: str) -> "subprocess.Popen[bytes]":
        env = os.environ | {"LABCOURIER_HOME": str(self.folder / "agent")}
        with (self.folder / "agent.log").open("ab") as log:
            return subprocess.Popen([*AGENT, *arguments], env=env, stdout=subprocess.PIPE, stderr=log)

    def await_agent(self, agent: "subprocess.Popen[bytes]") -> bytes:
        """What the agent printed; ends the bench when it failed."""
        output, _ = agent.communicate()
        if agent.returncode:
            raise SystemExit((self.folder / "agent.log").read_text() + f"the agent ended with {agent.returncode}")
        return output

    def send(self, folder: Path, recipients: int = 1) -> str:
        """Sends a folder and answers the name of its released dataset."""
        to = [word for number in range(recipients) for word in ("--to", f"rita-{number}@example.org")]
        report = json.loads(
            self.await_agent(self.start_agent("send", str(folder), "--title", folder.name, *to, "--json"))
        )
        return str(report["dataset"]["name"])

    def zip_url(self, dataset: str) -> str:
        """The address of the zip, from the mail that its recipient got."""
        return f"{self.links(dataset)[0]}/{dataset}.zip"

    def links(self, dataset: str, recipients: int = 1) -> list[str]:
        """The share links in the mails that the recipients got."""
        deadline = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < deadline:
            files = (file.read_text() for file in (self.folder / "mail").glob("*"))
            mails = (mail for file in files for mail in file.split(BETWEEN_MAILS))
            found = {link[0] for mail in mails if dataset in mail and (link := LINK.search(mail))}
            if len(found) >= recipients:
                return sorted(found)
            time.sleep(0.2)
        raise SystemExit(f"no {recipients} mails about {dataset} within {MAIL_SECONDS} s")


@contextmanager
def stage(**more_settings: str) -> Iterator[Stage]:
    """Starts everything, ends everything, and removes what was written. ``more_settings`` as in the environment."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var" if (ROOT / "var").is_dir() else None))
    settings = {
        "LABCOURIER_EMAIL_URL": (folder / "mail").as_uri(),
        "LABCOURIER_LOG_LEVEL": "WARNING",
        "LABCOURIER_MAILS_A_DAY": "0",
    } | more_settings
    port = free_port()
    try:
        with portal_running(port, var=folder / "var", log_folder=folder / "log", settings=settings) as programs:
            portal = Stage(f"http://127.0.0.1:{port}", folder, programs)
            portal.await_agent(
                portal.start_agent("connect", portal.url, "--token", _token(folder / "var", programs.env))
            )
            yield portal
    finally:
        shutil.rmtree(folder)


def _token(var: Path, env: Mapping[str, str]) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "demo.facility", str(var / "none.json")],
        env=env,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return str(json.loads(made.stdout)["upload_token"])
