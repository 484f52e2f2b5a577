"""Reading a list of digests as `sha256sum` writes and reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from labcourier_agent.exits import BadUsage, NotFound

LINE = re.compile(r"(\\?)([0-9A-Fa-f]{64})(?:  | \*)(.+)")
ESCAPED = re.compile(r"\\([\\nr])")
UNESCAPED = {"\\": "\\", "n": "\n", "r": "\r"}


def read_lines(manifest: Path) -> Iterator[tuple[str, str]]:
    """Names and digests in lower case; one line at a time is held. Errors: NotFound, BadUsage."""
    try:
        with manifest.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                text = line.rstrip("\r\n")
                if text:
                    yield _read(manifest, number, text)
    except FileNotFoundError as error:
        raise NotFound(f"There is no list of digests {manifest}.") from error
    except OSError as error:
        raise BadUsage(f"{manifest} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _no_list(manifest, "it is no UTF-8 text") from error


def _read(manifest: Path, number: int, text: str) -> tuple[str, str]:
    match = LINE.fullmatch(text)
    if match is None:
        raise _no_list(manifest, f"line {number} is no digest and name")
    name = ESCAPED.sub(lambda escape: UNESCAPED[escape[1]], match[3]) if match[1] else match[3]
    return name, match[2].lower()


def _no_list(manifest: Path, why: str) -> BadUsage:
    return BadUsage(f"{manifest} is no list of SHA-256 digests ({why}): move it away, or choose another folder.")
