"""`watch --check`: which dataset each file would belong to, by what lies there now. Nothing is sent or noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labcourier_agent.config import FolderEntry
from labcourier_agent.progress import in_words
from labcourier_agent.scan import LeftOut, Selection, look_through
from labcourier_agent.watch_dataset import begin_plan, wrong_recipients


@dataclass
class Tally:
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Check:
    """`datasets` by their keys; `strays`: files that belong to none."""

    entry: FolderEntry
    datasets: dict[str, Tally]
    strays: Tally
    complaints: list[str]

    def document(self) -> dict[str, Any]:
        return {
            "path": self.entry.path,
            "portal": self.entry.portal.name,
            "datasets": [self._dataset_document(key, tally) for key, tally in self.datasets.items()],
            "no_dataset": {"files": self.strays.files, "bytes": self.strays.bytes},
            "complaints": self.complaints,
        }

    def lines(self) -> list[str]:
        lines = [f"{self.entry.path} ({self.entry.portal.name}, dataset: {self.entry.rule_text})"]
        for key, tally in self.datasets.items():
            plan = begin_plan(self.entry, key, 1)
            to = f" to {', '.join(plan.recipients)}" if plan.recipients else ", without recipients"
            lines.append(f"  “{plan.title}”{to}: {tally.files} files, {in_words(tally.bytes)}")
            wrong = wrong_recipients(self.entry, key)
            lines += [f"    left out of the recipients, as no e-mail address: {wrong}"] if wrong else []
        if self.strays.files:
            lines.append(f"  in no dataset: {self.strays.files} files, {in_words(self.strays.bytes)}")
        return lines + [f"  {complaint}" for complaint in self.complaints]

    def _dataset_document(self, key: str, tally: Tally) -> dict[str, Any]:
        request = begin_plan(self.entry, key, 1).request("")
        del request["client_key"]
        return {"key": key, "files": tally.files, "bytes": tally.bytes, **request}


def check(entry: FolderEntry, show: Callable[[str, int, str], None]) -> Check:
    """`show` is told dataset (its key, `.` for the only one, `-` for none), bytes and path of each file."""
    found = Check(entry, {}, Tally(), [])
    if not Path(entry.path).is_dir():
        found.complaints.append(f"{entry.path} is not there now.")
        return found
    for seen in look_through([entry.path], selection=Selection(entry.filters, entry.links)):
        if isinstance(seen, LeftOut):
            found.complaints.append(seen.reason)
            continue
        share = entry.rule.share_of(seen.path, seen.signature.mtime_ns)
        tally = found.strays if share is None else found.datasets.setdefault(share.key, Tally())
        tally.files += 1
        tally.bytes += seen.signature.size
        show("-" if share is None else share.key or ".", seen.signature.size, seen.path)
    return found
