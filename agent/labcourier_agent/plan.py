"""What one `send` command asks for, and how the same command is known again after a crash."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Plan:
    """A dataset to be made of `sources` (absolute paths).

    The identity of a command is everything here: portal address and project, the set of sources, and every detail the
    portal is told. The token, the number of transfers and the way progress is shown do not matter.
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

    def identity(self) -> str:
        told = {**self.request(""), "sources": sorted(self.sources), "url": self.portal_url, "project": self.project}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

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
        words = ["labcourier", "send", *self.sources, "--portal", self.portal, "--title", self.title]
        for option, value in (
            ("--name", self.name),
            ("--description", self.description),
            ("--investigation", self.investigation),
        ):
            words += [option, value] if value else []
        for option, values in (("--to", self.recipients), ("--keyword", self.keywords)):
            words += [word for value in values for word in (option, value)]
        words += [word for key, value in self.metadata.items() for word in ("--meta", f"{key}={value}")]
        return spell(words)


def spell(words: Sequence[str]) -> str:
    """As one types it into this system's shell."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
