"""Messages: on stderr for the person, and in a log file when one is asked for. stdout is for data alone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from labcourier_agent.log_file import JsonLines, ShortLines, open_log
from labcourier_agent.progress import LOGGER


@contextmanager
def speaking(log_file: str | None = None, *, as_json: bool = False) -> Iterator[None]:
    """The log file gets everything, also each file that was sent. `as_json`: each message is an object, here and there.

    Errors: BadUsage.
    """
    sinks: list[logging.Handler] = [_to_person(as_json=as_json)]
    if log_file is not None:
        sinks.append(open_log(log_file, as_json=as_json))
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


def _to_person(*, as_json: bool) -> logging.Handler:
    sink = logging.StreamHandler(sys.stderr)
    sink.setLevel(logging.INFO)
    sink.setFormatter(JsonLines() if as_json else ShortLines())
    return sink
