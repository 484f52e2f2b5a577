"""Which service manager a system has."""

from __future__ import annotations

import sys
from collections.abc import Callable

from labcourier_agent.services.launchd import LaunchdService
from labcourier_agent.services.order import Service, ServiceOrder
from labcourier_agent.services.systemd import SystemdService
from labcourier_agent.services.windows_task import WindowsTask

# By `sys.platform`.
SERVICES: dict[str, Callable[[ServiceOrder], Service]] = {
    "linux": SystemdService,
    "darwin": LaunchdService,
    "win32": WindowsTask,
}


def service_for(order: ServiceOrder, platform: str = sys.platform) -> Service:
    return SERVICES.get(platform, SystemdService)(order)
