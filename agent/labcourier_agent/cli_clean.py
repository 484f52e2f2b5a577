"""The options of `clean`, and how it tells what it did."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from labcourier_agent.clean import COLUMNS, Cleaning, CleanRule, CleanTally
from labcourier_agent.config import read_config
from labcourier_agent.durations import in_seconds
from labcourier_agent.exits import EXIT_CODES, BadUsage
from labcourier_agent.journal import Journal
from labcourier_agent.listing import CsvListing, JsonListing
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.send import absolute_sources
from labcourier_agent.settings import Folders, Portals, read_portals
from labcourier_agent.speech import speaking


@click.command("clean", epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--older-than", metavar="AGE", help="Such as 14d or 12h: since changed and since safe.")
@click.option("--yes", is_flag=True, help="Really remove. Without it only tell what would be removed.")
@click.option("--config", metavar="FILE", help="Remove what the [folder.clean] rules of this watch.toml say.")
@click.option("-n", "--dry-run", is_flag=True, help="With --config: only tell what would be removed.")
@click.option("--trust-times", is_flag=True, help="Do not read the files again: size, time and file id are enough.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
@click.option("--log-file", metavar="FILE", help="Append a line for every file removed to FILE.")
def clean_command(
    *,
    paths: tuple[str, ...],
    older_than: str | None,
    yes: bool,
    config: str | None,
    dry_run: bool,
    trust_times: bool,
    as_json: bool,
    log_file: str | None,
) -> None:
    """Removes files here that were sent from here and that the portal has verified. Without --yes it only tells.

    Only files of datasets that the portal calls safe to delete, in PATHs where some are given, that are still what was
    sent. The portal is asked anew; when it does not answer, nothing is removed. Folders that become empty go too.

    \b
    labcourier clean --older-than 14d
    labcourier clean /data --older-than 14d --yes --log-file cleaned.log
    """
    really = yes or (config is not None and not dry_run)
    with speaking(log_file):
        folders = Folders.from_environment(os.environ)
        portals = read_portals(folders.config)
        rules = _rules(paths, older_than, config, portals, yes=yes, dry_run=dry_run, trust_times=trust_times)
        opening = {"dry_run": not really}
        listing = JsonListing(sys.stdout, opening, "files") if as_json else CsvListing(sys.stdout, COLUMNS)
        journal = Journal(folders.journal)
        tally = CleanTally()
        try:
            for rule in rules:
                for cleaned in Cleaning(journal, portals, rule, tally, really=really, now=time.time()).run():
                    listing.row(cleaned.document())
        finally:
            journal.close()
        listing.end(tally.document() | {"exit_code": int(tally.exit_code)})
        word = "removed" if really else "would_remove"
        said = "removed" if really else "would be removed"
        number, size = tally.files[word], in_words(tally.bytes[word])
        LOGGER.info("%d files (%s) %s. %d stay.", number, size, said, tally.files["kept"])
        if not really:
            LOGGER.info("Nothing was removed: add --yes to remove them." if not dry_run else "Nothing was removed.")
    sys.exit(tally.exit_code)


def _rules(
    paths: tuple[str, ...],
    older_than: str | None,
    config: str | None,
    portals: Portals,
    *,
    yes: bool,
    dry_run: bool,
    trust_times: bool,
) -> list[CleanRule]:
    if (older_than is None) == (config is None):
        raise BadUsage("Say how old files have to be, such as --older-than 14d; or name the rules with --config FILE.")
    if older_than is not None:
        if dry_run:
            raise BadUsage("--dry-run belongs to --config: without --yes nothing is removed anyway.")
        return [CleanRule(_age(older_than), absolute_sources(paths), trust_times=trust_times)]
    if paths or yes or trust_times:
        raise BadUsage("--config brings its own folders and rules: leave PATHs, --yes and --trust-times out.")
    rules = [entry.clean for entry in read_config(Path(str(config)), portals).folders if entry.clean]
    if not rules:
        raise BadUsage(f"{config} has no rule: write [folder.clean] with after below a [[folder]].")
    return rules


def _age(text: str) -> float:
    try:
        return in_seconds(text)
    except ValueError as error:
        raise BadUsage(f"--older-than: {error}") from error
