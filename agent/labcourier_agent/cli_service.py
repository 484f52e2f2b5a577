"""The commands `service install`, `uninstall` and `status`."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path

import click

from labcourier_agent.config import CONFIG_FILE, read_config
from labcourier_agent.exits import EXIT_CODES, BadUsage, Exit
from labcourier_agent.progress import LOGGER
from labcourier_agent.services.choice import service_for
from labcourier_agent.services.order import Service, ServiceOrder, own_program
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.system import may_administer

SYSTEM = click.option("--system", is_flag=True, help="For the computer, from its start on. Needs its administrator.")


@click.group("service", epilog=EXIT_CODES)
def service_command() -> None:
    """Runs `labcourier watch` in the background: systemd on Linux, launchd on macOS, a task on Windows."""


@service_command.command("install", epilog=EXIT_CODES)
@SYSTEM
@click.option("--config", metavar="FILE", help=f"What is watched. Without it: {CONFIG_FILE} where the tokens are kept.")
@click.option("--user", help="With --system: who it runs as. Without it: who called sudo.")
@click.option("--home", metavar="FOLDER", help="Where its tokens, journal and log are (LABCOURIER_HOME).")
@click.option("-n", "--dry-run", is_flag=True, help="Only print what would be given to the service manager.")
def install_command(*, system: bool, config: str | None, user: str | None, home: str | None, dry_run: bool) -> None:
    """Installs and starts the service; again after a change of its options.

    A service of the computer needs a --home of its own, into which a token was stored by `labcourier connect`.

    \b
    labcourier service install
    sudo labcourier service install --system --user acquisition --home /var/lib/labcourier
    """
    with speaking():
        if system and not home:
            raise BadUsage("--system needs --home FOLDER: set LABCOURIER_HOME to it, then `labcourier connect`, first.")
        order = _order(system=system, config=config, user=user, home=home)
        service = service_for(order)
        if dry_run:
            LOGGER.info("%s would be:", service.place())
            click.echo(service.text(), nl=False)
            return
        _refuse_unless_ready(order)
        hints = service.install()
        LOGGER.info("%s is installed and started.", service.place())
        for hint in hints:
            LOGGER.warning("%s", hint)


@service_command.command("uninstall", epilog=EXIT_CODES)
@SYSTEM
def uninstall_command(*, system: bool) -> None:
    """Stops and removes the service. What it has sent, and what it knows, stays."""
    with speaking():
        service = _service(system=system)
        service.uninstall()
        LOGGER.info("%s is stopped and removed.", service.place())


@service_command.command("status", epilog=EXIT_CODES)
@SYSTEM
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status_command(*, system: bool, as_json: bool) -> None:
    """Whether the service is installed and running: exit code 0 when it runs, 3 when there is none, 7 otherwise."""
    with speaking():
        service = _service(system=system)
        found = service.status()
    if as_json:
        document = {"installed": found.installed, "running": found.running, "detail": found.detail}
        click.echo(json.dumps(document | {"place": str(service.place())}))
    elif found.installed:
        click.echo(f"{'running' if found.running else 'not running'} ({found.detail}): {service.place()}")
    else:
        click.echo("not installed")
    if not found.installed:
        sys.exit(Exit.NOT_FOUND)
    sys.exit(Exit.OK if found.running else Exit.FINDINGS)


def _service(*, system: bool) -> Service:
    return service_for(_order(system=system))


def _order(
    *, system: bool, config: str | None = None, user: str | None = None, home: str | None = None
) -> ServiceOrder:
    chosen = home or os.environ.get("LABCOURIER_HOME", "")
    folders = Folders.from_environment({**os.environ, "LABCOURIER_HOME": chosen})
    file = Path(config).absolute() if config else folders.config / CONFIG_FILE
    return ServiceOrder(
        command=(*own_program(), "watch", "--config", str(file)),
        config=file,
        home=str(Path(chosen).absolute()) if chosen else "",
        user=user or os.environ.get("SUDO_USER") or getpass.getuser(),
        system=system,
    )


def _refuse_unless_ready(order: ServiceOrder) -> None:
    """A service with a mistake would only start and end, unseen."""
    if order.system and not may_administer():
        raise BadUsage("--system changes the computer: run it as administrator (Linux, macOS: with sudo).")
    folders = Folders.from_environment({**os.environ, "LABCOURIER_HOME": order.home})
    read_config(order.config, read_portals(folders.config))
