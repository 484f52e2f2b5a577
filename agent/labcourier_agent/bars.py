"""Progress bars on a terminal."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from labcourier_agent.progress import BARS_FOR_FILES, LOGGER, View, in_words

NAME_WIDTH = 40


class BarProgress:
    """One bar for the bytes, one for what is verified, and one for each of the largest files under way.

    While it is open, messages go above the bars instead of through them. Rich obeys NO_COLOR.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            DownloadColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            auto_refresh=False,
        )
        self._sent = self._progress.add_task("sent", total=None, note="")
        self._verified = self._progress.add_task("verified", total=None, note="")
        self._files: dict[str, TaskID] = {}
        self._messages = RichHandler(console=console, show_path=False, show_level=False, log_time_format="%X")
        self._quiet: list[logging.Handler] = []

    def __enter__(self) -> Self:
        self._quiet = [sink for sink in LOGGER.handlers if type(sink) is logging.StreamHandler]
        for sink in self._quiet:
            LOGGER.removeHandler(sink)
        self._messages.setLevel(logging.INFO)
        LOGGER.addHandler(self._messages)
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        LOGGER.removeHandler(self._messages)
        for sink in self._quiet:
            LOGGER.addHandler(sink)

    def show(self, view: View) -> None:
        counts = view.counts
        files = f"{counts.at_portal}/{counts.total} files, {in_words(view.rate)}/s"
        self._progress.update(self._sent, total=counts.total_bytes, completed=view.bytes_sent, note=files)
        verified = f"{counts.verified}/{counts.total} files"
        done = counts.bytes_of("verified")
        self._progress.update(self._verified, total=counts.total_bytes, completed=done, note=verified)
        self._show_files(view)
        self._progress.refresh()

    def _show_files(self, view: View) -> None:
        largest = sorted(view.active, key=lambda active: active.size, reverse=True)[:BARS_FOR_FILES]
        shown = {active.path: active for active in largest}
        for path in self._files.keys() - shown.keys():
            self._progress.remove_task(self._files.pop(path))
        for path, active in shown.items():
            if path not in self._files:
                name = path if len(path) <= NAME_WIDTH else "…" + path[1 - NAME_WIDTH :]
                self._files[path] = self._progress.add_task(f"  {name}".replace("[", r"\["), note="")
            self._progress.update(self._files[path], total=active.size, completed=active.offset)
