"""Linux: a unit of systemd, of the user or of the system. Sources: systemd.unit(5), systemd.service(5)."""

from __future__ import annotations

from pathlib import Path

from labcourier_agent.services.order import DESCRIPTION, NAME, Running, ServiceOrder, ask, remove_file, tell, write_text

SYSTEM_UNITS = Path("/etc/systemd/system")
# Units of a user know no targets of the system.
NETWORK = "Wants=network-online.target\nAfter=network-online.target\n"
# What `watch` ends with when its configuration is wrong, see exits.py: starting again would not help.
DOES_NOT_HELP = "2 3"


class SystemdService:
    def __init__(self, order: ServiceOrder) -> None:
        self._order = order
        self._unit = f"{NAME}.service"

    def place(self) -> Path:
        units = SYSTEM_UNITS if self._order.system else Path.home() / ".config" / "systemd" / "user"
        return units / self._unit

    def text(self) -> str:
        return unit_text(self._order)

    def install(self) -> list[str]:
        write_text(self.place(), self.text())
        self._tell("daemon-reload")
        self._tell("enable", self._unit)
        self._tell("restart", self._unit)
        if self._order.system:
            return []
        return [f"It ends when {self._order.user} logs out, unless you run: loginctl enable-linger {self._order.user}"]

    def uninstall(self) -> None:
        if self.place().exists():
            self._tell("disable", "--now", self._unit)
        remove_file(self.place())
        self._tell("daemon-reload")

    def status(self) -> Running:
        if not self.place().exists():
            return Running(installed=False, running=False, detail="")
        said = ask([*self._manager(), "is-active", self._unit]).stdout.strip()
        return Running(installed=True, running=said == "active", detail=said)

    def _tell(self, *words: str) -> None:
        tell([*self._manager(), *words])

    def _manager(self) -> list[str]:
        return ["systemctl"] if self._order.system else ["systemctl", "--user"]


def unit_text(order: ServiceOrder) -> str:
    home = f"Environment={quoted(f'LABCOURIER_HOME={order.home}')}\n" if order.home else ""
    user = f"User={order.user}\n" if order.system else ""
    return f"""\
[Unit]
Description={DESCRIPTION}
{NETWORK if order.system else ""}
[Service]
Type=exec
{user}{home}ExecStart={" ".join(map(quoted, order.command))}
Restart=always
RestartSec=10
RestartPreventExitStatus={DOES_NOT_HELP}
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy={"multi-user.target" if order.system else "default.target"}
"""


def quoted(word: str) -> str:
    """For a line of a unit, in which `%` begins a specifier, `$` a variable and `\\` an escape."""
    safe = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{safe}"'
