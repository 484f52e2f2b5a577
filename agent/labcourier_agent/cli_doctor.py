"""The options of `doctor`, and how its findings are told."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from labcourier_agent.doctor import Finding, exit_code, until_failure
from labcourier_agent.doctor_computer import look_at_computer
from labcourier_agent.doctor_network import look_at_network
from labcourier_agent.doctor_portal import PortalExamination
from labcourier_agent.exits import EXIT_CODES
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking


@click.command("doctor", epilog=EXIT_CODES)
@click.argument("portal", required=False)
@click.option("--config", metavar="FILE", help="The configuration of `watch`, when it is not at its usual place.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor_command(portal: str | None, config: str | None, as_json: bool) -> None:
    """Finds out what keeps data from PORTAL (the default one), and says what to do about each fault.

    Nothing is sent and nothing is changed. Name service, connection, proxy, certificate, token, version, clock and
    upload endpoint are tried, and this computer's folders, rights, disk and journal are looked at.

    \b
    labcourier doctor
    labcourier doctor CRYO --json
    """
    findings = []
    with speaking():
        for finding in _examine(portal, Path(config).absolute() if config else None):
            findings.append(finding)
            if not as_json:
                click.echo("\n".join(finding.lines()))
    code = exit_code(findings)
    if as_json:
        document = {"findings": [finding.document() for finding in findings], "exit_code": int(code)}
        click.echo(json.dumps(document, ensure_ascii=False))
    sys.exit(code)


def _examine(name: str | None, config: Path | None) -> Iterator[Finding]:
    """The computer first: it is looked at whether or not the portal can be reached."""
    folders = Folders.from_environment(os.environ)
    portals = read_portals(folders.config)
    portal = portals.choose(name)
    yield from look_at_computer(folders, portals, config)
    yield from until_failure([look_at_network(portal.url), PortalExamination(portal).findings()])
