"""Which dataset a file belongs to: one per subfolder, per day, per name pattern, or all in one."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl, quote, urlencode

SPLITS = "subfolder, subfolder:2 (two levels), day, or pattern:REGEX with a named group such as (?P<title>...)"


class Share(NamedTuple):
    """`key` tells datasets of one rule apart and can be read by people; `path` is the file's place in the dataset."""

    key: str
    path: str


class Rule(Protocol):
    """Paths are relative to the folder, with `/`; times are those of a file's last change, in ns since 1970."""

    @property
    def names(self) -> frozenset[str]:
        """What `values` gives, for templates."""

    def share_of(self, path: str, mtime_ns: int) -> Share | None:
        """None for a file that belongs to no dataset. Called for every file of every look: it has to be quick."""

    def values(self, key: str) -> Mapping[str, str]:
        """What is known of the dataset from its key."""

    def title(self, values: Mapping[str, str], folder: str) -> str:
        """What it is called when nothing else is said; `folder` is the name of the folder."""

    def home(self, values: Mapping[str, str]) -> str:
        """The folder that holds all of it, relative; empty for the top."""


class OneForAll:
    names: frozenset[str] = frozenset()

    def share_of(self, path: str, mtime_ns: int) -> Share | None:
        return Share("", path)

    def values(self, key: str) -> Mapping[str, str]:
        return {}

    def title(self, values: Mapping[str, str], folder: str) -> str:
        return folder

    def home(self, values: Mapping[str, str]) -> str:
        return ""


class PerSubfolder:
    """Files above `depth` belong to no dataset. Values: `subfolder` (its path), `part1`, `part2` ... (its names)."""

    def __init__(self, depth: int = 1) -> None:
        self._depth = depth
        self.names = frozenset({"subfolder", *(f"part{number + 1}" for number in range(depth))})

    def share_of(self, path: str, mtime_ns: int) -> Share | None:
        end = 0
        for _ in range(self._depth):
            end = path.find("/", end) + 1
            if not end:
                return None
        return Share(path[: end - 1], path[end:])

    def values(self, key: str) -> Mapping[str, str]:
        parts = key.split("/")
        return {"subfolder": key} | {f"part{number + 1}": part for number, part in enumerate(parts)}

    def title(self, values: Mapping[str, str], folder: str) -> str:
        return values["subfolder"].replace("/", " ")

    def home(self, values: Mapping[str, str]) -> str:
        return values["subfolder"]


class PerDay:
    """The day of the last change, in local time. Values: `day`, as 2026-11-21."""

    names = frozenset({"day"})

    def share_of(self, path: str, mtime_ns: int) -> Share | None:
        return Share(day_of(mtime_ns), path)

    def values(self, key: str) -> Mapping[str, str]:
        return {"day": key}

    def title(self, values: Mapping[str, str], folder: str) -> str:
        return f"{folder} {values['day']}"

    def home(self, values: Mapping[str, str]) -> str:
        return ""


class PerPattern:
    """Files whose path begins as the pattern says; those with the same named groups make one dataset.

    Values: the named groups. Errors: ValueError with a sentence.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"The pattern is no regular expression: {error}.") from error
        if not self._pattern.groupindex:
            raise ValueError("The pattern needs a named group that tells datasets apart, such as (?P<title>[^/]+).")
        self.names = frozenset(self._pattern.groupindex)

    def share_of(self, path: str, mtime_ns: int) -> Share | None:
        match = self._pattern.match(path)
        return None if match is None else Share(_key_of(tuple(match.groupdict(default="").items())), path)

    def values(self, key: str) -> Mapping[str, str]:
        return dict(parse_qsl(key, keep_blank_values=True))

    def title(self, values: Mapping[str, str], folder: str) -> str:
        return values.get("title") or " ".join(filter(None, values.values())) or folder

    def home(self, values: Mapping[str, str]) -> str:
        return ""


def parse_split(text: str) -> Rule:
    """Errors: ValueError with a sentence."""
    kind, colon, rest = text.partition(":")
    if kind == "subfolder" and not colon:
        return PerSubfolder()
    if kind == "subfolder" and rest.isascii() and rest.isdecimal() and int(rest) > 0:
        return PerSubfolder(int(rest))
    if kind == "day" and not colon:
        return PerDay()
    if kind == "pattern" and rest:
        return PerPattern(rest)
    raise ValueError(f"“{text}” is no way to split: write {SPLITS}.")


def day_of(mtime_ns: int) -> str:
    """In local time, as 2026-11-21."""
    return _day_of_quarter(mtime_ns // 900_000_000_000)


@lru_cache(maxsize=1000)
def _key_of(groups: tuple[tuple[str, str], ...]) -> str:
    """As name=value&name=value, with what stands in the way of that written as %20."""
    return urlencode(groups, quote_via=quote)


@lru_cache(maxsize=1000)
def _day_of_quarter(quarter: int) -> str:
    """Local time differs from UTC by whole quarters of an hour, and jumps by whole ones."""
    try:
        return time.strftime("%Y-%m-%d", time.localtime(quarter * 900))
    except (OverflowError, ValueError, OSError):
        return "without date"
