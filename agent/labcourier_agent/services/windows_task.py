"""Windows: a task of the Task Scheduler, started at logon or, for the computer, at its start.

Source: Task Scheduler Schema, Microsoft Learn; order of the elements as its XSD has them.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from labcourier_agent.services.order import DESCRIPTION, Running, ServiceOrder, ask, tell, write_text

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
TASK = "Labcourier\\watch"
LOCAL_SERVICE = "S-1-5-19"


class WindowsTask:
    def __init__(self, order: ServiceOrder) -> None:
        self._order = order

    def place(self) -> Path:
        """Where Windows itself keeps the task."""
        return Path("C:\\Windows\\System32\\Tasks") / "Labcourier" / "watch"

    def text(self) -> str:
        return task_text(self._order)

    def install(self) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / "watch.xml"
            write_text(draft, self.text(), encoding="utf-16")
            tell(["schtasks", "/Create", "/TN", TASK, "/XML", str(draft), "/F"])
        tell(["schtasks", "/Run", "/TN", TASK])
        if not self._order.system:
            return []
        return ["It runs as LOCAL SERVICE: give that account the right to read the watched folders and its own home."]

    def uninstall(self) -> None:
        ask(["schtasks", "/End", "/TN", TASK])
        tell(["schtasks", "/Delete", "/TN", TASK, "/F"])

    def status(self) -> Running:
        said = ask(["schtasks", "/Query", "/TN", TASK, "/FO", "CSV", "/NH"])
        if said.returncode != 0:
            return Running(installed=False, running=False, detail="")
        state = said.stdout.strip().rsplit(",", 1)[-1].strip('"')
        return Running(installed=True, running=state == "Running", detail=state)


def task_text(order: ServiceOrder) -> str:
    ET.register_namespace("", NAMESPACE)
    task = ET.Element(f"{{{NAMESPACE}}}Task", version="1.2")
    _add(_add(task, "RegistrationInfo"), "Description", DESCRIPTION)
    triggers = _add(task, "Triggers")
    trigger = _add(triggers, "BootTrigger" if order.system else "LogonTrigger")
    _add(trigger, "Enabled", "true")
    if not order.system:
        _add(trigger, "UserId", order.user)
    principal = _add(_add(task, "Principals"), "Principal", id="Author")
    _add(principal, "UserId", LOCAL_SERVICE if order.system else order.user)
    if not order.system:
        _add(principal, "LogonType", "InteractiveToken")
    _add(principal, "RunLevel", "LeastPrivilege")
    _add_settings(_add(task, "Settings"))
    action = _add(_add(task, "Actions", Context="Author"), "Exec")
    program, arguments = _action(order)
    _add(action, "Command", program)
    _add(action, "Arguments", arguments)
    ET.indent(task)
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{ET.tostring(task, encoding="unicode")}\n'


def _add_settings(settings: ET.Element) -> None:
    """Begun again when it breaks down, never ended for lasting long, on battery too, one at a time."""
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
    ):
        _add(settings, name, value)
    _add(settings, "Enabled", "true")
    _add(settings, "ExecutionTimeLimit", "PT0S")
    restart = _add(settings, "RestartOnFailure")
    _add(restart, "Interval", "PT1M")
    _add(restart, "Count", "999")


def _action(order: ServiceOrder) -> tuple[str, str]:
    """A task knows no environment: where one is needed, the command interpreter sets it."""
    program, *arguments = order.command
    if not order.home:
        return program, subprocess.list2cmdline(arguments)
    return "cmd.exe", f'/d /s /c "set "LABCOURIER_HOME={order.home}"&& {subprocess.list2cmdline(order.command)}"'


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)
    child.text = text
    return child
