"""The options of `compare`, and how its findings are told."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import click

from labcourier_agent.compare import COLUMNS, Compared, Result, Tally, compare
from labcourier_agent.digests import DigestList, writing_digests
from labcourier_agent.exits import EXIT_CODES, BadUsage
from labcourier_agent.listing import CsvListing, JsonListing, Listing
from labcourier_agent.portal_reader import PortalReader, portal_for
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.send import absolute_sources
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking
from labcourier_agent.wire import open_http


@click.command("compare", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.argument("dataset")
@click.option("--portal", envvar="LABCOURIER_PORTAL", help="Which connected portal. Without it: the default.")
@click.option("--size-only", is_flag=True, help="Do not read the files: compare names and sizes alone.")
@click.option("--differences", is_flag=True, help="Leave out what is the same.")
@click.option("--manifest", metavar="FILE", help="Also write the digests of what is the same, for `sha256sum -c`.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
def compare_command(
    *,
    paths: tuple[str, ...],
    dataset: str,
    portal: str | None,
    size_only: bool,
    differences: bool,
    manifest: str | None,
    as_json: bool,
) -> None:
    """Compares files and folders here, or on a disk, with DATASET at the portal: its name, id or address.

    Paths are taken as by `send`: of a folder its content, without its own name. The result of each file is: same,
    different, missing (here, but not verified at the portal), only_at_portal, or unreadable.

    \b
    labcourier compare /data/run-7 2026-11-20_18.20.37-32-run-7 > run-7.csv
    labcourier compare /media/disk/run-7 https://portal.example.org/datasets/... --differences
    """
    if size_only and manifest:
        raise BadUsage("--manifest needs the digests, which --size-only leaves out: give one of them.")
    with speaking(), ExitStack() as stack:
        chosen = portal_for(read_portals(Folders.from_environment(os.environ).config), portal, dataset)
        sources = absolute_sources(paths)
        reader = PortalReader(stack.enter_context(open_http(chosen.token)), chosen)
        answer = reader.find(dataset)
        tally = Tally()
        rows = compare(sources, reader.files(str(answer["id"])), size_only=size_only, tally=tally)
        digests = stack.enter_context(writing_digests(manifest)) if manifest else None
        listing = _listing(answer, sources, as_json=as_json)
        for compared in _noting(rows, digests):
            if not (differences and compared.result is Result.SAME):
                listing.row(compared.document())
        listing.end({"counts": tally.document(), "bytes_read": tally.bytes_read, "exit_code": int(tally.exit_code)})
        _tell(answer, tally)
    sys.exit(tally.exit_code)


def _listing(answer: dict[str, Any], sources: tuple[str, ...], *, as_json: bool) -> Listing:
    if as_json:
        return JsonListing(sys.stdout, {"dataset": answer, "sources": list(sources)}, "files")
    return CsvListing(sys.stdout, COLUMNS)


def _noting(rows: Iterator[Compared], digests: DigestList | None) -> Iterator[Compared]:
    for compared in rows:
        if digests and compared.result is Result.SAME and compared.sha256_here:
            digests.add(compared.path, compared.sha256_here)
        yield compared


def _tell(answer: dict[str, Any], tally: Tally) -> None:
    counts = ", ".join(f"{number} {result.replace('_', ' ')}" for result, number in tally.document().items() if number)
    LOGGER.info("%s: %s (%s read)", answer["name"], counts or "no files on either side", in_words(tally.bytes_read))
