"""The command `ls`: datasets at the portal, or the files of one, or what a share link opens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import Any

import click

from labcourier_agent.exits import EXIT_CODES
from labcourier_agent.fetching.shared_portal import LINK, SharedPortal, parse_link
from labcourier_agent.listing import CsvListing, JsonListing
from labcourier_agent.portal_reader import PortalReader, a_few_times, portal_for
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.wire import open_http

DATASETS: tuple[str, ...] = ("name", "state", "files", "bytes", "created_at", "title", "url")
FILES: tuple[str, ...] = ("path", "size", "state", "sha256")


@click.command("ls", epilog=EXIT_CODES)
@click.argument("what", required=False, metavar="[DATASET|LINK]")
@click.option("--portal", envvar="LABCOURIER_PORTAL", help="Which connected portal. Without it: the default.")
@click.option("--limit", type=click.IntRange(1), help="At most so many lines.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
def ls_command(*, what: str | None, portal: str | None, limit: int | None, as_json: bool) -> None:
    """Lists the datasets that were sent with this computer's token, newest first; or the files of DATASET or LINK.

    DATASET is its unique name, its id or its address; LINK is a share link, for which nothing has to be connected.

    \b
    labcourier ls --limit 10
    labcourier ls 2026-11-20_18.20.37-32-run-7
    labcourier ls https://portal.example.org/s/lcs_...
    """
    with speaking(), ExitStack() as stack:
        if what and LINK.fullmatch(what.strip()):
            shared = SharedPortal(stack.enter_context(open_http(None)), parse_link(what))
            columns, rows = FILES, _of_link(shared)
        else:
            chosen = portal_for(read_portals(Folders.from_environment(os.environ).config), portal, what or "")
            reader = PortalReader(stack.enter_context(open_http(chosen.token)), chosen)
            columns, rows = (FILES, _of_dataset(reader, what)) if what else (DATASETS, _datasets(reader))
        name = "files" if what else "datasets"
        listing = JsonListing(sys.stdout, {}, name) if as_json else CsvListing(sys.stdout, columns)
        count = 0
        for row in islice(rows, limit):
            listing.row(row)
            count += 1
        listing.end({"count": count})


def _datasets(reader: PortalReader) -> Iterator[dict[str, Any]]:
    for page in reader.datasets():
        for dataset in page:
            counts = {"files": dataset["counts"]["expected"], "bytes": dataset["counts"]["bytes_expected"]}
            known = dataset | counts
            yield {column: known[column] for column in DATASETS}


def _of_dataset(reader: PortalReader, word: str) -> Iterator[dict[str, Any]]:
    for page in reader.files(str(reader.find(word)["id"])):
        for file in page:
            yield {"path": file.path, "size": file.size, "state": file.state, "sha256": file.sha256}


def _of_link(shared: SharedPortal) -> Iterator[dict[str, Any]]:
    """Looking counts as nothing: the link is not opened by it."""
    cursor: str | None = ""
    while cursor is not None:
        files, cursor = a_few_times(partial(shared.page, cursor))
        for file in files:
            yield {"path": file.path, "size": file.size, "state": "verified", "sha256": file.sha256}
