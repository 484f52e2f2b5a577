"""The command `ls`: datasets at the portal, or the files of one, or what a share link opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from labcourier_agent.accounts import Account, account_for, read_accounts
from labcourier_agent.cli_password import password_option, read_password, unlocked
from labcourier_agent.exits import EXIT_CODES, BadUsage, NotFound
from labcourier_agent.fetching.shared_portal import SharedPortal
from labcourier_agent.fetching.sources import Source, looks_like_link, own_dataset, parse_link
from labcourier_agent.listing import CsvListing, JsonListing
from labcourier_agent.member_portal import MemberPortal
from labcourier_agent.portal_reader import PortalReader, a_few_times, portal_for
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.wire import open_http

SENT: tuple[str, ...] = ("name", "state", "files", "bytes", "created_at", "title", "url")
DATASETS: tuple[str, ...] = ("project", *SENT)
PROJECTS: tuple[str, ...] = ("code", "name", "role")
FILES: tuple[str, ...] = ("path", "size", "state", "sha256")
Rows = Iterator[dict[str, Any]]


@click.command("ls", epilog=EXIT_CODES)
@click.argument("what", required=False, metavar="[DATASET|LINK]")
@click.option("--projects", is_flag=True, help="The projects that you belong to.")
@click.option("--project", metavar="CODE", default="", help="Only the datasets of this project.")
@click.option("--sent", is_flag=True, help="What this computer's upload token sends to, also when you are logged in.")
@click.option("--portal", envvar="LABCOURIER_PORTAL", help="With --sent: which connected portal. Without: the default.")
@password_option
@click.option("--limit", type=click.IntRange(1), help="At most so many lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
def ls_command(
    *,
    what: str | None,
    projects: bool,
    project: str,
    sent: bool,
    portal: str | None,
    password_file: Path | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Lists datasets, newest first; or the files of DATASET or LINK.

    After `labcourier login`: the datasets that you may see. Otherwise, or with --sent: those that this computer's
    upload token sends to. DATASET is a unique name, an id or an address; LINK is a share link, which needs neither.

    \b
    labcourier ls --project cryo-em --limit 10
    labcourier ls 2026-11-20_18.20.37-32-run-7
    labcourier ls https://portal.example.org/s/lcs_...
    """
    with speaking(), ExitStack() as stack:
        folders = Folders.from_environment(os.environ)
        account = None if sent or portal else _account(folders, what or "")
        if what and looks_like_link(what):
            columns, rows = (
                FILES,
                unlocked(parse_link(what), read_password(password_file), partial(_of_source, stack)),
            )
        elif account:
            columns, rows = _of_account(stack, account, what, project, projects=projects)
        elif projects or project:
            raise BadUsage("Only who has logged in sees projects: run `labcourier login URL` first.")
        else:
            chosen = portal_for(read_portals(folders.config), portal, what or "")
            reader = PortalReader(stack.enter_context(open_http(chosen.token)), chosen)
            columns, rows = (FILES, _of_dataset(reader, what)) if what else (SENT, _sent(reader))
        _print(columns, rows, limit, as_json=as_json)


def _account(folders: Folders, what: str) -> Account | None:
    try:
        return account_for(read_accounts(folders.config), what)
    except NotFound:
        return None


def _print(columns: tuple[str, ...], rows: Rows, limit: int | None, *, as_json: bool) -> None:
    name = {FILES: "files", PROJECTS: "projects"}.get(columns, "datasets")
    listing = JsonListing(sys.stdout, {}, name) if as_json else CsvListing(sys.stdout, columns)
    count = 0
    for row in islice(rows, limit):
        listing.row(row)
        count += 1
    listing.end({"count": count})


def _of_account(
    stack: ExitStack, account: Account, what: str | None, project: str, *, projects: bool
) -> tuple[tuple[str, ...], Rows]:
    member = MemberPortal(stack.enter_context(open_http(account.token)), account.url)
    if projects:
        return PROJECTS, _columns(PROJECTS, member.projects())
    if what is None:
        return DATASETS, _columns(DATASETS, member.datasets(project))
    return FILES, _of_source(stack, own_dataset(account, str(member.find(what)["id"])))


def _columns(columns: Sequence[str], found: Rows) -> Rows:
    return ({column: entry[column] for column in columns} for entry in found)


def _sent(reader: PortalReader) -> Rows:
    for page in reader.datasets():
        for dataset in page:
            counts = {"files": dataset["counts"]["expected"], "bytes": dataset["counts"]["bytes_expected"]}
            known = dataset | counts
            yield {column: known[column] for column in SENT}


def _of_dataset(reader: PortalReader, word: str) -> Rows:
    for page in reader.files(str(reader.find(word)["id"])):
        for file in page:
            yield {"path": file.path, "size": file.size, "state": file.state, "sha256": file.sha256}


def _of_source(stack: ExitStack, source: Source) -> Rows:
    """Looking counts as nothing: a link is not opened by it. The first page is asked for at once."""
    http = stack.enter_context(open_http(None, authorization=source.authorization))
    shared = SharedPortal(http, source)
    return _files(shared, *a_few_times(partial(shared.page, "")))


def _files(shared: SharedPortal, files: Sequence[Any], cursor: str | None) -> Rows:
    while True:
        for file in files:
            yield {"path": file.path, "size": file.size, "state": "verified", "sha256": file.sha256}
        if cursor is None:
            return
        files, cursor = a_few_times(partial(shared.page, cursor))
