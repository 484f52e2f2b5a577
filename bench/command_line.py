"""What every script in ``bench/`` understands: ``--quick`` (under a minute) and ``--json``."""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence

from bench.figures import Figure, show

Measure = Callable[[bool], Iterable[Figure]]


def run_benches(measures: Sequence[Measure]) -> None:
    """Runs each measure with ``quick`` and prints its figures as they come, or all as one JSON list."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="smaller data, under a minute a script")
    arguments.add_argument("--json", action="store_true", help="one JSON list on standard output")
    wishes = arguments.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", file=sys.stderr)
    figures: list[Figure] = []
    for measure in measures:
        for figure in measure(wishes.quick):
            figures.append(figure)
            if not wishes.json:
                show([figure], as_json=False)
    if wishes.json:
        show(figures, as_json=True)
