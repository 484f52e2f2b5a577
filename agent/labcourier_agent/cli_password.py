"""The password of a link: from a file or the environment, else asked for once the portal wants it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from labcourier_agent.exits import AccessRefused, BadUsage
from labcourier_agent.fetching.sources import Link, Source

T = TypeVar("T")
VARIABLE = "LABCOURIER_PASSWORD"
WANTED = "password_wanted"
TRIES = 3


def password_option(command: Callable[..., None]) -> Callable[..., None]:
    """Not the password itself: what stands on a command line, everybody on the computer can read."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        help=f"The link's password is the first line of this file; - reads it from stdin. Or in {VARIABLE}.",
    )(command)


def read_password(file: Path | None) -> str | None:
    """Of the file, else of the environment. Errors: BadUsage."""
    return first_line(file) if file else os.environ.get(VARIABLE) or None


def first_line(file: Path) -> str | None:
    """Errors: BadUsage."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadUsage(f"{file} is not written in UTF-8: save it so.") from error
    return text.splitlines()[0] if text.strip() else None


def unlocked(link: Link, password: str | None, work: Callable[[Source], T]) -> T:
    """What `work` gives for the link, once the password is right. Errors: AccessRefused; those of `work`."""
    given, tries = password, 0
    while True:
        try:
            return work(link.source(given))
        except AccessRefused as refused:
            if refused.code != WANTED:
                raise
            if password or tries == TRIES:
                raise AccessRefused(
                    "This is not the link's password: ask whoever sent it to you.", code=WANTED
                ) from refused
            if not sys.stdin.isatty():
                raise AccessRefused(
                    "This link has a password: give it in a file by --password-file, or as LABCOURIER_PASSWORD.",
                    code=WANTED,
                ) from refused
            if given:
                click.echo("That was not the password.", err=True)
        given, tries = click.prompt("Password of the link", hide_input=True, err=True), tries + 1
