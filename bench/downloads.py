"""``python -m bench.downloads [--only ROW ...] [--scale small|full] [--json FILE]``: all that concerns bytes going out.

Each row is measured beside its peers in the same run: a warm-up, then three rounds in turns, of which the median is
shown. Nothing is asserted. ``small`` takes under two minutes and tries the harness, not the portal.
"""

import argparse
import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench import download_file, download_get, download_million, download_push, download_zip, slow_downloads
from bench.figures import Figure, show
from bench.stage import Stage, stage

ROWS: dict[str, Callable[[Stage, bool], Iterator[Figure]]] = {
    "zip": download_zip.measure,
    "file": download_file.measure,
    "get": download_get.measure,
    "million": download_million.measure,
    "slow": slow_downloads.measure,
    "push": download_push.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    wishes = _wishes(arguments)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    figures: list[Figure] = []
    for figure in measure(wishes.scale == "small", wishes.only or ROWS):
        figures.append(figure)
        show([figure], as_json=False)
        sys.stdout.flush()
        if wishes.json:
            wishes.json.write_text(json.dumps([figure.as_json() for figure in figures], indent=1) + "\n")


def measure(quick: bool, rows: Iterable[str] = ROWS) -> Iterator[Figure]:
    """Each row has a portal of its own, so that none pays for what another left there; ``quick`` they share one."""
    _allow_many_sockets()
    for group in [list(rows)] if quick else [[row] for row in rows]:
        with stage(LABCOURIER_DESTINATION_HOSTS="127.0.0.1") as portal:
            for row in group:
                yield from ROWS[row](portal, quick)


def _allow_many_sockets() -> None:
    """For this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


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
