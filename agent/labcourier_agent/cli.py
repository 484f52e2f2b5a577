"""The command line: options in, one call, exit code out."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

import click

from labcourier_agent import __version__
from labcourier_agent.cli_account import login_command, logout_command, share_command
from labcourier_agent.cli_clean import clean_command
from labcourier_agent.cli_compare import compare_command
from labcourier_agent.cli_doctor import doctor_command
from labcourier_agent.cli_get import get_command
from labcourier_agent.cli_ls import ls_command
from labcourier_agent.cli_send import send_command
from labcourier_agent.cli_service import service_command
from labcourier_agent.cli_verify import verify_command
from labcourier_agent.cli_watch import close_command, watch_command
from labcourier_agent.connect import connect
from labcourier_agent.exits import EXIT_CODES, AgentError, Exit
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.status import standings

LATEST = 10


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="labcourier")
def app() -> None:
    """Sends instrument data to a Labcourier portal, and fetches it: in parallel, resumable, verified.

    \b
    labcourier connect https://portal.example.org --token lcu_...
    labcourier send /data/run-7 --title "Run 7" --to rita@example.org
    labcourier status
    labcourier get https://portal.example.org/s/lcs_... /data/run-7
    """


app.add_command(send_command)
app.add_command(watch_command)
app.add_command(close_command)
app.add_command(get_command)
app.add_command(verify_command)
app.add_command(ls_command)
app.add_command(login_command)
app.add_command(logout_command)
app.add_command(share_command)
app.add_command(compare_command)
app.add_command(clean_command)
app.add_command(doctor_command)
app.add_command(service_command)


@app.command("version")
def version_command() -> None:
    """Shows the version of this agent."""
    click.echo(__version__)


@app.command("connect", epilog=EXIT_CODES)
@click.argument("url")
@click.option("--token", envvar="LABCOURIER_TOKEN", prompt=True, hide_input=True, help="Upload token, from the portal.")
@click.option("--name", help="What to call this portal here. Without it: the code of the project.")
@click.option("--default", "as_default", is_flag=True, help="Send here when nothing else is said.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def connect_command(url: str, token: str, name: str | None, as_default: bool, as_json: bool) -> None:
    """Checks a portal's address and an upload token, and stores them for this user.

    The first portal becomes the default one. A new token for the same project takes the place of the old one.
    Given by LABCOURIER_TOKEN or typed when asked for, the token stays out of the shell's history.

    \b
    labcourier connect https://portal.example.org --token lcu_...
    """
    with speaking():
        portal, connection, is_default = connect(_folders(), url, token, name=name, as_default=as_default)
    document: dict[str, Any] = {
        "name": portal.name,
        "url": portal.url,
        "default": is_default,
        "project": {"code": connection.project_code, "name": connection.project_name},
        "instrument": connection.instrument,
        "token_label": connection.token_label,
        "expires_at": connection.expires_at,
    }
    instrument = f", instrument {connection.instrument}" if connection.instrument else ""
    until = f", until {connection.expires_at}" if connection.expires_at else ""
    line = f"Connected to {portal.url} as {portal.name}: project {connection.project_name}{instrument}{until}."
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else line)


@app.command("status", epilog=EXIT_CODES)
@click.option("--limit", type=click.IntRange(1), default=LATEST, show_default=True, help="How many datasets.")
@click.option("--offline", is_flag=True, help="Do not ask the portal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status_command(limit: int, offline: bool, as_json: bool) -> None:
    """Shows the latest datasets sent from here: sent, verified, waiting and failed files, and the portal's word.

    \b
    labcourier status
    labcourier status --offline --json
    """
    with speaking():
        folders = _folders()
        portals = read_portals(folders.config)
        found, complaints = standings(folders, portals, limit=limit, offline=offline)
    if as_json:
        names = [
            {
                "name": portal.name,
                "url": portal.url,
                "project": portal.project,
                "default": portal.name == portals.default,
            }
            for portal in portals.known
        ]
        document = {
            "portals": names,
            "datasets": [standing.document() for standing in found],
            "unreachable": complaints,
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    for complaint in complaints:
        click.echo(complaint, err=True)
    for line in (line for standing in found for line in standing.lines()):
        click.echo(line)
    if not found:
        click.echo("Nothing has been sent from here yet.", err=True)


def run(arguments: Sequence[str]) -> int:
    """Runs one command. Returns its exit code; messages have gone to stderr."""
    try:
        app(list(arguments), prog_name="labcourier", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.exceptions.Abort:
        return _complain("Interrupted.", Exit.INTERRUPTED)
    except AgentError as error:
        return _complain(error.sentence, error.exit_code)
    except sqlite3.Error as error:
        return _complain(f"The journal cannot be used ({error}): is its disk full?", Exit.OTHER)
    except SystemExit as end:
        return int(end.code or 0)
    return Exit.OK


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        # Into files and pipes goes UTF-8 on Windows too, whose own choice cannot write every file name.
        if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")
    sys.exit(run(sys.argv[1:]))


def _complain(sentence: str, code: Exit) -> int:
    click.echo(f"labcourier: {sentence}", err=True)
    return code


def _folders() -> Folders:
    return Folders.from_environment(os.environ)
