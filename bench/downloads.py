"""``python -m bench.downloads [--only ROW ...] [--scale small|full] [--json FILE]``: all that concerns bytes going out.

Each row is measured beside its peers in the same run: a warm-up, then three rounds in turns, of which the median is
shown. Nothing is asserted. ``small`` takes under two minutes and tries the harness, not the portal.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import download_file, download_get, download_million, download_push, download_zip, slow_downloads
from bench.command_line import Measure
from bench.figures import Figure, show

ROWS: dict[str, Measure] = {
    "zip": download_zip.measure,
    "file": download_file.measure,
    "get": download_get.measure,
    "million": download_million.measure,
    "slow": slow_downloads.measure,
    "push": download_push.measure,
}
MEASURES = list(ROWS.values())


def main(arguments: Sequence[str] | None = None) -> None:
    wishes = _wishes(arguments)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    figures: list[Figure] = []
    for row in wishes.only or ROWS:
        for figure in ROWS[row](wishes.scale == "small"):
            figures.append(figure)
            show([figure], as_json=False)
            sys.stdout.flush()
            if wishes.json:
                wishes.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n")


def _wishes(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.downloads", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=ROWS, metavar="ROW", help=f"one of {', '.join(ROWS)}; repeat"
    )
    parser.add_argument("--scale", choices=["small", "full"], default="full", help="small: under two minutes in all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures, written anew after each")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
