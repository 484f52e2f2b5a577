"""macOS: an agent or a daemon of launchd. Source: launchd.plist(5), launchctl(1)."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Any

from labcourier_agent.services.order import Running, ServiceOrder, ask, remove_file, tell, write_text
from labcourier_agent.system import user_number

LABEL = "org.labcourier.watch"
# Seconds between two starts, and for a polite end.
PAUSE = 10
FAREWELL = 30


class LaunchdService:
    def __init__(self, order: ServiceOrder) -> None:
        self._order = order

    def place(self) -> Path:
        folder = Path("/Library/LaunchDaemons") if self._order.system else Path.home() / "Library" / "LaunchAgents"
        return folder / f"{LABEL}.plist"

    def text(self) -> str:
        return plist_text(self._order)

    def install(self) -> list[str]:
        write_text(self.place(), self.text())
        ask(["launchctl", "bootout", f"{self._domain()}/{LABEL}"])
        tell(["launchctl", "bootstrap", self._domain(), str(self.place())])
        return ["macOS may ask whether it may read the watched folders: allow it in Privacy & Security."]

    def uninstall(self) -> None:
        ask(["launchctl", "bootout", f"{self._domain()}/{LABEL}"])
        remove_file(self.place())

    def status(self) -> Running:
        if not self.place().exists():
            return Running(installed=False, running=False, detail="")
        said = ask(["launchctl", "print", f"{self._domain()}/{LABEL}"])
        state = next((line.strip() for line in said.stdout.splitlines() if line.strip().startswith("state =")), "")
        return Running(installed=True, running=state == "state = running", detail=state or said.stderr.strip())

    def _domain(self) -> str:
        return "system" if self._order.system else f"gui/{user_number()}"


def plist_text(order: ServiceOrder) -> str:
    wish: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": list(order.command),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": PAUSE,
        "ExitTimeOut": FAREWELL,
        "ProcessType": "Background",
        "Umask": 0o077,
    }
    wish |= {"EnvironmentVariables": {"LABCOURIER_HOME": order.home}} if order.home else {}
    wish |= {"UserName": order.user} if order.system else {}
    return plistlib.dumps(wish).decode()
