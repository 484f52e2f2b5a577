"""Ada: the instrument's computer, which does what the portal's page tells her to."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

MARKER = "SCAN_COMPLETE"


class InstrumentPC:
    """``home`` is the agent's own folder, ``data`` what the instrument writes."""

    def __init__(self, folder: Path) -> None:
        self.home, self.data = folder / "agent", folder / "scan 3"
        self.log = folder / "agent.log"
        self.data.mkdir()

    def write(self, name: str, content: bytes) -> None:
        """A file as instruments write it: elsewhere first, then there at once."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.home.parent / "draft"
        draft.write_bytes(content)
        draft.replace(path)

    def run(self, command: str) -> str:
        """What is typed at its prompt; its output."""
        outcome = subprocess.run(shlex.split(command), env=self._env, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    def start_sending(self, title: str) -> "subprocess.Popen[bytes]":
        """Sends what appears in the folder until the instrument says that this was all."""
        about = ["--title", title, "--keyword", "fossil", "--meta", "voltage=70 kV"]
        until = ["--follow", "--until-marker", MARKER, "--stable", "0.5"]
        with self.log.open("ab") as log:
            command = ["labcourier", "send", str(self.data), *about, *until]
            return subprocess.Popen(command, env=self._env, stdout=log, stderr=log)

    @property
    def _env(self) -> dict[str, str]:
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "PATH": programs, "LABCOURIER_HOME": str(self.home)}
