"""Messages: on stderr for the person, and in a log file when one is asked for. stdout is for data alone."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcourier_agent.exits import BadUsage
from labcourier_agent.progress import LOGGER


@contextmanager
def speaking(log_file: str | None = None) -> Iterator[None]:
    """The log file gets everything, also each file that was sent; times in it are UTC. Errors: BadUsage."""
    sinks: list[logging.Handler] = [_to_person()]
    if log_file is not None:
        sinks.append(_to_file(log_file))
    for sink in sinks:
        LOGGER.addHandler(sink)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    try:
        yield
    finally:
        for sink in sinks:
            LOGGER.removeHandler(sink)
            sink.close()


def _to_person() -> logging.Handler:
    sink = logging.StreamHandler(sys.stderr)
    sink.setLevel(logging.INFO)
    sink.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%H:%M:%S"))
    return sink


def _to_file(name: str) -> logging.Handler:
    try:
        sink = logging.FileHandler(Path(name).absolute(), encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"The log file {name} cannot be written: {error.strerror}.") from error
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    sink.setFormatter(formatter)
    return sink
