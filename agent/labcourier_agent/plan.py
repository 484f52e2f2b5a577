"""What one `send` command asks for, and how the same command is known again after a crash."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from labcourier_agent.filters import Filters, Links
from labcourier_agent.rules import parse_split
from labcourier_agent.scan import Found, Selection


@dataclass(frozen=True)
class Plan:
    """A dataset to be made of `sources` (absolute paths), of `send` or of a watched folder.

    The identity of a `send` is everything here: portal address and project, the set of sources, which of their files,
    and every detail the portal is told. The token, the number of transfers and the way progress is shown do not matter.
    With `split` the dataset is one of several, the one whose files have `key` under that rule.
    For a watched folder (`entry` names it) the identity is that folder, the key and `generation`, which counts the
    datasets of a key that came after one was closed: who gets them may be written otherwise in the meantime.
    """

    portal: str
    portal_url: str
    project: str
    sources: tuple[str, ...]
    title: str
    name: str = ""
    description: str = ""
    investigation: str = ""
    recipients: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    links: str = Links.SKIP.value
    split: str = ""
    key: str = ""
    entry: str = ""
    generation: int = 1

    def identity(self) -> str:
        place = {"url": self.portal_url, "project": self.project}
        if self.entry:
            told: dict[str, Any] = {"entry": self.entry, "key": self.key, "generation": self.generation}
        else:
            chosen = {"include": self.include, "exclude": self.exclude, "links": self.links, "split": self.split}
            chosen |= {"key": self.key}
            # What was sent before there was a choice is still the same.
            usual = {"links": Links.SKIP.value}
            chosen = {name: value for name, value in chosen.items() if value and value != usual.get(name)}
            told = {**self.request(""), "sources": sorted(map(os.path.normcase, self.sources)), **chosen}
        return hashlib.sha256(json.dumps(told | place, sort_keys=True).encode()).hexdigest()

    def selection(self) -> Selection:
        """Which files of the sources belong to it."""
        filters, links = Filters(self.include, self.exclude), Links(self.links)
        if not self.split:
            return Selection(filters, links)
        rule, key = parse_split(self.split), self.key

        def place(found: Found) -> str | None:
            share = rule.share_of(found.path, found.signature.mtime_ns)
            return share.path if share is not None and share.key == key else None

        return Selection(filters, links, rule.home(rule.values(key)), place)

    def request(self, client_key: str) -> dict[str, Any]:
        """The body of POST /api/v1/datasets."""
        request: dict[str, Any] = {
            "client_key": client_key,
            "title": self.title,
            "name": self.name,
            "description": self.description,
            "investigation": self.investigation,
        }
        request = {key: value for key, value in request.items() if value or key in ("client_key", "title")}
        return request | {
            "keywords": list(self.keywords),
            "metadata": self.metadata,
            "recipients": list(self.recipients),
        }

    def command(self) -> str:
        """The command that goes on with this dataset, from any folder."""
        if self.entry:
            return "labcourier watch"
        words = ["labcourier", "send", *self.sources, "--portal", self.portal, "--title", self.title]
        for option, value in (
            ("--name", self.name),
            ("--description", self.description),
            ("--investigation", self.investigation),
        ):
            words += [option, value] if value else []
        words += ["--follow-symlinks", self.links] if self.links != Links.SKIP else []
        words += ["--split", self.split, "--only", self.key] if self.split else []
        for option, values in (
            ("--to", self.recipients),
            ("--keyword", self.keywords),
            ("--include", self.include),
            ("--exclude", self.exclude),
        ):
            words += [word for value in values for word in (option, value)]
        words += [word for key, value in self.metadata.items() for word in ("--meta", f"{key}={value}")]
        return spell(words)


def spell(words: Sequence[str]) -> str:
    """As one types it into this system's shell."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
