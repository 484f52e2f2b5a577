"""The options of `verify`, and how its findings are told."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labcourier_agent.exits import EXIT_CODES
from labcourier_agent.fetching.verify import COLUMNS, Check, VerifyTally, find_manifest, verify
from labcourier_agent.listing import CsvListing, JsonListing
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.speech import speaking


@click.command("verify", epilog=EXIT_CODES)
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--manifest", type=click.Path(path_type=Path), help="The list of digests. Without it: the one in DEST.")
@click.option("--differences", is_flag=True, help="Leave out what is as it should be.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of CSV.")
def verify_command(*, dest: Path, manifest: Path | None, differences: bool, as_json: bool) -> None:
    """Checks the files in the folder DEST against its list of digests, without portal: today or in ten years.

    The list is manifest-sha256.txt, as `labcourier get`, `compare --manifest` and the portal's zip leave it. The result
    of each file is: same, different, missing, extra (not in the list), or unreadable.

    \b
    labcourier verify /media/disk/run-7 --differences
    """
    with speaking():
        chosen = manifest or find_manifest(dest)
        tally = VerifyTally()
        opening = {"folder": str(dest), "manifest": str(chosen)}
        listing = JsonListing(sys.stdout, opening, "files") if as_json else CsvListing(sys.stdout, COLUMNS)
        for check in verify(dest, chosen, tally):
            if not (differences and check.result is Check.SAME):
                listing.row(check.document())
        listing.end({"counts": tally.document(), "bytes_read": tally.bytes_read, "exit_code": int(tally.exit_code)})
        counts = ", ".join(f"{number} {result}" for result, number in tally.document().items() if number)
        LOGGER.info("%s: %s (%s read)", dest, counts or "nothing to check", in_words(tally.bytes_read))
    sys.exit(tally.exit_code)
