"""The options of `get`, and how its outcome is told."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from labcourier_agent.accounts import account_for, read_accounts
from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.cli_password import password_option, read_password, unlocked
from labcourier_agent.cli_send import MOST_TRANSFERS, parsed
from labcourier_agent.exits import EXIT_CODES, Exit
from labcourier_agent.fetching.get import Fetched, Wish, get
from labcourier_agent.fetching.sources import Source, looks_like_link, own_dataset, parse_link
from labcourier_agent.filters import Filters, regex_of
from labcourier_agent.member_portal import MemberPortal
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.settings import Folders
from labcourier_agent.speech import speaking
from labcourier_agent.timetable import parse_timetable
from labcourier_agent.wire import open_http

# Several give several times as much where each gets little; more than these hardly more, and others share the portal.
CONNECTIONS = 4


@click.command("get", epilog=EXIT_CODES)
@click.argument("what", envvar="LABCOURIER_LINK", metavar="LINK|DATASET")
@click.argument("dest", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--include", multiple=True, metavar="GLOB", help="Only these files, such as *.tif or raw/**. Repeat.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not these files; wins over --include. Repeat.")
@click.option("--overwrite", is_flag=True, help="Replace files in DEST that have other content.")
@click.option(
    "--transfers", type=click.IntRange(1, MOST_TRANSFERS), default=4, show_default=True, help="Connections at once."
)
@click.option(
    "--connections",
    type=click.IntRange(1, MOST_TRANSFERS),
    show_default=str(CONNECTIONS),
    help="How many of them one large file may have.",
)
@click.option("--bwlimit", metavar="RATE", help='Bytes a second in all: 20M, or by hours: "08:00,5M 19:00,off".')
@password_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--log-file", metavar="FILE", help="Append messages to FILE.")
@click.option("--log-json", is_flag=True, help="Each message is one JSON object a line, also in the log file.")
def get_command(  # noqa: PLR0913 one for each option
    *,
    what: str,
    dest: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    overwrite: bool,
    transfers: int,
    connections: int | None,
    bwlimit: str | None,
    password_file: Path | None,
    as_json: bool,
    log_file: str | None,
    log_json: bool,
) -> None:
    """Fetches what a share LINK opens into the folder DEST, and verifies every file. No account, no token.

    After `labcourier login` also a DATASET that you may see: its address, its id or its unique name.

    Without DEST: a folder named as the dataset, here. The same command again goes on where it stopped. What is in DEST
    already and is equal is kept, copies that were cut off are completed, anything else is left as it is. In DEST lies
    manifest-sha256.txt afterwards, for `labcourier verify`.

    \b
    labcourier get https://portal.example.org/s/lcs_...
    labcourier get https://portal.example.org/s/lcs_... /data/run-7 --include "*.tif" --bwlimit 20M
    """
    filters = Filters(_globs("--include", include), _globs("--exclude", exclude))
    timetable = parsed("--bwlimit", parse_timetable, bwlimit)
    bandwidth = Bandwidth(timetable) if timetable else None
    with speaking(log_file, as_json=log_json):
        folders = Folders.from_environment(os.environ)

        def fetch(source: Source) -> Fetched:
            for_one = connections or min(CONNECTIONS, transfers)
            in_all = max(transfers, for_one)
            return get(Wish(source, dest, filters, in_all, for_one, bandwidth, overwrite), folders)

        if looks_like_link(what):
            fetched = unlocked(parse_link(what), read_password(password_file), fetch)
        else:
            fetched = fetch(_own(what, folders))
        if as_json:
            click.echo(json.dumps(fetched.document(), ensure_ascii=False))
        _tell(fetched, as_json=as_json)
    sys.exit(fetched.exit_code)


def _own(what: str, folders: Folders) -> Source:
    """Errors: NotFound, also when nobody has logged in."""
    account = account_for(read_accounts(folders.config), what)
    with open_http(account.token) as http:
        return own_dataset(account, str(MemberPortal(http, account.url).find(what)["id"]))


def _globs(option: str, globs: tuple[str, ...]) -> tuple[str, ...]:
    for glob in globs:
        parsed(option, regex_of, glob)
    return globs


def _tell(fetched: Fetched, *, as_json: bool) -> None:
    if not as_json:
        click.echo(fetched.name)
        click.echo(fetched.dest)
        click.echo(f"{fetched.verified} of {fetched.files} files verified ({in_words(fetched.bytes_verified)})")
    if fetched.failed:
        LOGGER.warning("%d of %d files could not be fetched.", fetched.failed, fetched.files)
    if fetched.error:
        LOGGER.error("%s", fetched.error)
    if fetched.exit_code in (Exit.TRY_LATER, Exit.INTERRUPTED):
        LOGGER.warning("To go on, run the same command again: what is here is not fetched twice.")
