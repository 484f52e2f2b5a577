"""The bar of a fetch on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from labcourier_agent.fetching.fetchers import Tally


class Bar:
    """Bytes over the line of those that are missing, and files verified. Rich obeys NO_COLOR."""

    def __init__(self, files: int, size: int, before: int) -> None:
        self._files, self._before = files, before
        self._progress = Progress(
            TextColumn("fetched"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("fetched", total=size, note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, tally: Tally) -> None:
        note = f"{self._before + tally.files}/{self._files} files verified"
        self._progress.update(self._task, completed=tally.fetched, note=note)
        self._progress.refresh()
