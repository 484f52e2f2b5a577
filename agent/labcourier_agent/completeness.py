"""When a file that an instrument writes is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labcourier_agent.open_files import OpenFiles
from labcourier_agent.scan import Found

STABLE = 10.0


@dataclass(frozen=True)
class Completeness:
    """All that is asked for has to hold.

    `stable`: size and time stayed the same for so many seconds. `marker`: a file of that name is there; with {name}
    (image.tif) or {stem} (image) it stands beside each file, otherwise in the file's folder or one above it, up to the
    folder of the dataset. `lock`: no other program has it open for writing, as far as the system can tell. `newer`: a
    file changed later stands beside it.
    """

    stable: float = STABLE
    marker: str = ""
    lock: bool = False
    newer: bool = False

    @property
    def marker_glob(self) -> str:
        """Markers are not sent themselves."""
        return self.marker.replace("{name}", "*").replace("{stem}", "*")

    @property
    def is_marked_singly(self) -> bool:
        return "{name}" in self.marker or "{stem}" in self.marker


class Judge:
    """For one look at one folder. `newest_in`: the latest time of change of a folder's files, as of the last look."""

    def __init__(self, rule: Completeness, newest_in: Callable[[str], int]) -> None:
        self._rule = rule
        self._newest_in = newest_in
        self._marked: dict[str, bool] = {}
        self._open_files = OpenFiles()

    def is_complete(self, found: Found, home: str, *, unchanged_for: float, ending: bool) -> bool:
        """`home` is the dataset's folder. `ending`: nothing comes any more, so nothing newer is waited for."""
        rule = self._rule
        if unchanged_for < rule.stable:
            return False
        if rule.newer and not ending and self._newest_in(parent_of(found.source)) <= found.signature.mtime_ns:
            return False
        if rule.marker and not self._is_marked(found.source, home):
            return False
        return not rule.lock or not self._open_files.is_written(found.source)

    def _is_marked(self, source: str, home: str) -> bool:
        if not self._rule.is_marked_singly:
            return self._is_folder_marked(Path(source).parent, Path(home))
        file = Path(source)
        return file.with_name(self._rule.marker.replace("{name}", file.name).replace("{stem}", file.stem)).exists()

    def _is_folder_marked(self, folder: Path, home: Path) -> bool:
        known = self._marked.get(str(folder))
        if known is None:
            above = folder not in (home, folder.parent) and home in folder.parents
            known = (folder / self._rule.marker).exists() or (above and self._is_folder_marked(folder.parent, home))
            self._marked[str(folder)] = known
        return known


def parent_of(source: str) -> str:
    """Lean, because it is asked for every file of every look."""
    return source[: max(source.rfind("/"), source.rfind("\\"))]
