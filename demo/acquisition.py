"""The instrument's side of the demo: the agent is connected, watches a folder, and sends what appears in it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.checklist import StepFailed, require
from demo.microscope import MARKER
from portal.config import ROOT

AGENT = [sys.executable, "-m", "labcourier_agent"]
RECIPIENT = "rita@example.org"
SIMULATED_SECONDS = 300.0
REAL_SECONDS = 24 * 3600.0  # may be large


@dataclass(frozen=True)
class Instrument:
    """An instrument PC: the agent's own folder, and the log that tells what it did."""

    home: Path
    log: Path

    def connect(self, portal: str, token: str) -> None:
        """``labcourier connect``: the token goes through the environment, so that no process list shows it."""
        self._run([*AGENT, "connect", portal, "--default"], {"LABCOURIER_TOKEN": token})

    def send(self, folder: Path, title: str) -> dict[str, Any]:
        """Sends what lies in ``folder``; the agent's report."""
        return self._report(self._run(self._send_command(folder, title), {}))

    def send_while_acquiring(self, folder: Path, title: str) -> dict[str, Any]:
        """Starts the microscope and, beside it, the agent, which ends when the microscope has."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        microscope = subprocess.Popen(
            [sys.executable, "-m", "demo.microscope", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            while not folder.exists():
                require(microscope.poll() is None, "the microscope did not start")
                time.sleep(0.05)
            follow = ["--follow", "--until-marker", MARKER, "--stable", "1"]
            report = self._report(self._run([*self._send_command(folder, title), *follow], {}, SIMULATED_SECONDS))
        finally:
            microscope.terminate()
            written, _ = microscope.communicate()
        require(written.strip() == str(report["files"]).encode(), f"the microscope wrote {written!r} files")
        return report

    def _send_command(self, folder: Path, title: str) -> list[str]:
        about = ["--title", title, "--to", RECIPIENT, "--keyword", "demo", "--meta", "specimen=kidney", "--new"]
        return [*AGENT, "send", str(folder), *about, "--json"]

    def _run(self, command: list[str], env: Mapping[str, str], seconds: float = REAL_SECONDS) -> str:
        with self.log.open("ab") as log:
            try:
                outcome = subprocess.run(
                    command,
                    cwd=ROOT,
                    env={**os.environ, **env, "LABCOURIER_HOME": str(self.home)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    timeout=seconds,
                    check=False,
                    start_new_session=True,
                )
            except subprocess.TimeoutExpired:
                raise StepFailed(f"the agent was not done after {seconds:.0f} s; see {self.log}") from None
        require(outcome.returncode == 0, f"the agent ended with {outcome.returncode}; see {self.log}")
        return outcome.stdout.decode()

    def _report(self, text: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(text)
        missing = report["files"] - report["verified"]
        require(missing == 0 and report["failed_count"] == 0, f"{missing} files are not verified; see {self.log}")
        return report
