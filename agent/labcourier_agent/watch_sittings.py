"""Sending for watched folders: a few datasets at a time, each by a run of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from labcourier_agent.clock import steady_now
from labcourier_agent.config import FolderEntry, WatchConfig
from labcourier_agent.exits import AgentError, Interrupted
from labcourier_agent.journal import Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.lookout import Follow
from labcourier_agent.progress import LOGGER, View
from labcourier_agent.run import Options, Run
from labcourier_agent.watch_dataset import WatchedDataset
from labcourier_agent.wire import open_http

# When others wait, a sitting is ended after so long, and goes on when it is its turn again.
TURN = 60.0
FAREWELL = 8.0


class SilentProgress:
    """Who watches for months wants no line every ten seconds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, view: View) -> None:
        return


class Sitting:
    """One dataset being sent, in a thread of its own."""

    def __init__(
        self,
        dataset: WatchedDataset,
        entry: FolderEntry,
        journal: Journal,
        config: WatchConfig,
        tell: Callable[[str], None],
    ) -> None:
        self.dataset = dataset
        self.began = time.monotonic()
        self._journal = journal
        self._tell = tell
        row = journal.latest(dataset.row.plan) or dataset.row
        self._http = open_http(entry.portal.token, connections=config.transfers, bandwidth=config.bandwidth)
        follow = Follow(stable=entry.complete.stable, idle=None, marker=None)
        options = Options(config.transfers, follow, dataset.begin_sitting())
        self._run = Run(journal, row, self._http, SilentProgress(), options)
        self._thread = threading.Thread(target=self._sit, name=f"sitting-{dataset.row.id}", daemon=True)

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._run.stop()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _sit(self) -> None:
        trouble, again = self._execute()
        try:
            if not self._journal.is_under_way(self.dataset.row.id):
                self._say_end(trouble)
                trouble = ""
        except AgentError as error:
            trouble = error.sentence
        if trouble and trouble != self.dataset.trouble:
            self._tell(f"“{self.dataset.row.plan.title}”: {trouble}")
        self.dataset.end_sitting(trouble, again=again)

    def _execute(self) -> tuple[str, bool]:
        """What went wrong, and whether it was interrupted."""
        try:
            self._run.execute()
            return _trouble_of(self._run.ledger), False
        except Interrupted:
            return "", True
        except AgentError as error:
            return error.sentence, False
        except BaseException as error:  # noqa: BLE001 one broken dataset must not end the others unseen
            LOGGER.debug("sending “%s” broke off", self.dataset.row.plan.title, exc_info=True)
            return f"Sending broke off ({type(error).__name__}: {error}): the log file tells more.", False
        finally:
            self._http.close()

    def _say_end(self, trouble: str) -> None:
        answer = self._journal.answer(self.dataset.row.id) or {}
        name = answer.get("name", self.dataset.row.plan.title)
        if trouble:
            self._tell(f"{name}: {trouble}")
        else:
            LOGGER.info("%s: closed, %d files verified", name, self.dataset.counts().verified)


class Sittings:
    """Used by one thread. `tell` hears of trouble."""

    def __init__(self, journal: Journal, tell: Callable[[str], None]) -> None:
        self._journal = journal
        self._tell = tell
        self._under_way: list[Sitting] = []

    def serve(self, datasets: Iterable[tuple[WatchedDataset, FolderEntry]], config: WatchConfig) -> bool:
        """Begins what there is time for. Returns whether any is under way."""
        self._under_way = [sitting for sitting in self._under_way if not sitting.is_over]
        waiting = [
            (dataset, entry)
            for dataset, entry in datasets
            if dataset.feed is None and dataset.needs_sending and steady_now() >= dataset.due_at
        ]
        # Who came longest ago, or never.
        waiting.sort(key=lambda pair: pair[0].served_at)
        for dataset, entry in waiting[: max(config.at_once - len(self._under_way), 0)]:
            dataset.served_at = steady_now()
            sitting = Sitting(dataset, entry, self._journal, config, self._tell)
            self._under_way.append(sitting)
            sitting.start()
        if any(dataset.feed is None for dataset, _ in waiting):
            self._end_longest()
        return bool(self._under_way)

    def stop_all(self) -> None:
        """What was sent by then stays sent."""
        _stop(self._under_way)

    def stop_those_of(self, datasets: Iterable[WatchedDataset]) -> None:
        wanted = list(datasets)
        _stop([sitting for sitting in self._under_way if sitting.dataset in wanted])

    def _end_longest(self) -> None:
        longest = min(self._under_way, key=lambda sitting: sitting.began)
        if time.monotonic() - longest.began > TURN:
            longest.stop()


def _stop(sittings: Sequence[Sitting]) -> None:
    for sitting in sittings:
        sitting.stop()
    deadline = time.monotonic() + FAREWELL
    for sitting in sittings:
        sitting.join(max(deadline - time.monotonic(), 0.0))


def _trouble_of(ledger: Ledger) -> str:
    failures = ledger.failures(1)
    if not failures or not ledger.has("failed"):
        return ""
    return f"{ledger.number_of('failed')} files could not be sent, such as {failures[0].path}: {failures[0].reason}"
