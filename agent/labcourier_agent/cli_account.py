"""The commands of a person: log in, log out, share a dataset."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import uuid4

import click

from labcourier_agent.accounts import account_for, read_accounts
from labcourier_agent.cli_password import first_line
from labcourier_agent.details import EMAIL
from labcourier_agent.exits import EXIT_CODES, BadUsage
from labcourier_agent.login import login, logout
from labcourier_agent.member_portal import MemberPortal, ShareWish
from labcourier_agent.settings import Folders
from labcourier_agent.speech import speaking
from labcourier_agent.wire import open_http

LONGEST_DAYS = 3650


@click.command("login", epilog=EXIT_CODES)
@click.argument("url")
@click.option(
    "--token", envvar="LABCOURIER_ACCESS_TOKEN", prompt=True, hide_input=True, help="Personal access token, lcp_..."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def login_command(*, url: str, token: str, as_json: bool) -> None:
    """Checks a personal access token of the portal at URL and stores it for this user.

    With it `ls`, `get` and `share` see what you may see. Make the token on the portal's page “Access tokens”. Typed
    when asked for, or given by LABCOURIER_ACCESS_TOKEN, it stays out of the shell's history.

    \b
    labcourier login https://portal.example.org
    """
    with speaking():
        account = login(Folders.from_environment(os.environ), url, token)
    document = {"url": account.url, "email": account.email}
    click.echo(json.dumps(document) if as_json else f"Logged in at {account.url} as {account.email}.")


@click.command("logout", epilog=EXIT_CODES)
@click.argument("url", required=False)
def logout_command(*, url: str | None) -> None:
    """Forgets the token of the portal at URL, or of the last login. There it works until it is revoked."""
    with speaking():
        account = logout(Folders.from_environment(os.environ), url)
    click.echo(f"Logged out at {account.url}. Revoke the token there if somebody else may have it.")


@click.command("share", epilog=EXIT_CODES)
@click.argument("dataset")
@click.option("--to", "recipients", multiple=True, required=True, metavar="EMAIL", help="Who gets a link. Repeat.")
@click.option("--message", default="", help="A few words for the mail.")
@click.option(
    "--days", type=click.IntRange(1, LONGEST_DAYS), help="How long the link works. Without: as in the project."
)
@click.option("--max-downloads", type=click.IntRange(1), help="How often it may be downloaded. Without: any number.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The link asks for the password in the first line of this file; - reads it from stdin.",
)
@click.option("--password", is_flag=True, help="The link asks for a password, which is asked for now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def share_command(
    *,
    dataset: str,
    recipients: tuple[str, ...],
    message: str,
    days: int | None,
    max_downloads: int | None,
    password_file: Path | None,
    password: bool,
    as_json: bool,
) -> None:
    """Mails each recipient a link of their own to DATASET: its unique name, its id or its address.

    Needs `labcourier login` with a token that may share.

    \b
    labcourier share 2026-11-20_18.20.37-32-run-7 --to rita@example.org --days 30
    """
    with speaking():
        _refuse_other_than_addresses(recipients)
        secret = (first_line(password_file) if password_file else _asked(password)) or ""
        wish = ShareWish(recipients, uuid4(), message, days, secret, max_downloads)
        account = account_for(read_accounts(Folders.from_environment(os.environ).config), dataset)
        with open_http(account.token) as http:
            portal = MemberPortal(http, account.url)
            found = portal.find(dataset)
            links = portal.share(str(found["id"]), wish)
    if as_json:
        click.echo(json.dumps({"dataset": found["name"], "links": links}, ensure_ascii=False))
        return
    for link in links:
        click.echo(
            f"{link['recipient']}: a link to {found['name']} until {link['expires_at']}; the mail is on its way."
        )


def _asked(wanted: bool) -> str | None:
    """Errors: BadUsage where nobody can be asked."""
    if not wanted:
        return None
    if not sys.stdin.isatty():
        raise BadUsage("Nobody is here to type the password: give it in a file by --password-file.")
    return str(click.prompt("Password for the link", hide_input=True, confirmation_prompt=True, err=True))


def _refuse_other_than_addresses(recipients: tuple[str, ...]) -> None:
    for recipient in recipients:
        if not EMAIL.fullmatch(recipient):
            raise BadUsage(f"{recipient} is no e-mail address: correct it. Nobody was told.")
