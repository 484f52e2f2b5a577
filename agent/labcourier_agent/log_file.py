"""The log file: its place, its size, its lines. No line holds a secret, whoever wrote it."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

from labcourier_agent.exits import BadUsage

BIGGEST = 10 * 1024 * 1024
OLDER_KEPT = 5
WATCH_LOG = "watch.log"
# Tokens, whatever follows "Bearer", and the password in an address such as that of a proxy.
SECRETS = re.compile(r"(lc[pu]_)[\w-]+|(\bBearer\s+)[^\s'\"]+|(://[^\s/:@]+:)[^\s/@]+(?=@)", re.IGNORECASE)


class LogFile(RotatingFileHandler):
    """At most 10 MiB, then a new one is begun and five older ones are kept."""

    def doRollover(self) -> None:  # noqa: N802 the name is theirs
        """Windows lets no file be renamed that another process has open: then this one grows until it can be."""
        try:
            super().doRollover()
        except OSError:
            self.stream = self._open()


class TextLines(logging.Formatter):
    """2026-11-20T18:20:37Z INFO message"""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class ShortLines(logging.Formatter):
    """For a person who is looking on: local time and the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """One object a line: time (UTC, ISO 8601), level, message, and trace after an unexpected error."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "message": redacted(record.getMessage()),
        }
        if record.exc_info:
            line["trace"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def redacted(text: str) -> str:
    return SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}…", text)


def open_log(name: str, *, as_json: bool) -> LogFile:
    """Errors: BadUsage."""
    try:
        sink = LogFile(Path(name).absolute(), maxBytes=BIGGEST, backupCount=OLDER_KEPT, encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"The log file {name} cannot be written: {error.strerror}.") from error
    sink.setFormatter(JsonLines() if as_json else TextLines())
    return sink


def watch_log(environment: Mapping[str, str]) -> Path:
    """Where `watch` writes when nothing else is said. The folder is made. Errors: BadUsage."""
    home = environment.get("LABCOURIER_HOME")
    folder = Path(home).absolute() / "log" if home else platformdirs.user_log_path("labcourier", appauthor=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadUsage(f"{folder} cannot be made ({error.strerror}): say --log-file FILE.") from error
    return folder / WATCH_LOG
