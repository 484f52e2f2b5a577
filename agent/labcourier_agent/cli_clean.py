"""The options of `clean`, and how it tells what it did."""

from __future__ import annotations

import os
import sys
import time

import click

from labcourier_agent.clean import COLUMNS, Cleaning, CleanRule
from labcourier_agent.durations import in_seconds
from labcourier_agent.exits import EXIT_CODES, BadUsage
from labcourier_agent.journal import Journal
from labcourier_agent.listing import CsvListing, JsonListing
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.send import absolute_sources
from labcourier_agent.settings import Folders, read_portals
from labcourier_agent.speech import speaking


@click.command("clean", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 14d or 12h: since changed and since safe.")
@click.option("--yes", is_flag=True, help="Really remove. Without it only tell what would be removed.")
@click.option("--trust-times", is_flag=True, help="Do not read the files again: size, time and file id are enough.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
@click.option("--log-file", metavar="FILE", help="Append a line for every file removed to FILE.")
def clean_command(
    *, paths: tuple[str, ...], older_than: str, yes: bool, trust_times: bool, as_json: bool, log_file: str | None
) -> None:
    """Removes files here that were sent from here and that the portal has verified. Without --yes it only tells.

    Only files of datasets that the portal calls safe to delete, in PATHs where some are given, that are still what was
    sent. The portal is asked anew; when it does not answer, nothing is removed. Folders that become empty go too.

    \b
    labcourier clean --older-than 14d
    labcourier clean /data --older-than 14d --yes --log-file cleaned.log
    """
    with speaking(log_file):
        folders = Folders.from_environment(os.environ)
        rule = CleanRule(_age(older_than), absolute_sources(paths), trust_times=trust_times)
        listing = JsonListing(sys.stdout, {"dry_run": not yes}, "files") if as_json else CsvListing(sys.stdout, COLUMNS)
        journal = Journal(folders.journal)
        try:
            cleaning = Cleaning(journal, read_portals(folders.config), rule, really=yes, now=time.time())
            for cleaned in cleaning.run():
                listing.row(cleaned.document())
        finally:
            journal.close()
        tally = cleaning.tally
        listing.end(tally.document() | {"exit_code": int(tally.exit_code)})
        word = "removed" if yes else "would_remove"
        said = "removed" if yes else "would be removed; add --yes to remove them"
        number, size = tally.files[word], in_words(tally.bytes[word])
        LOGGER.info("%d files (%s) %s. %d stay.", number, size, said, tally.files["kept"])
    sys.exit(tally.exit_code)


def _age(text: str) -> float:
    try:
        return in_seconds(text)
    except ValueError as error:
        raise BadUsage(f"--older-than: {error}") from error
