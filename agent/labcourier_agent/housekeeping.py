"""Carrying out the `[folder.clean]` rules while `watch` runs. Trouble with it stops nothing, and removes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from labcourier_agent.clean import Cleaning, CleanRule, CleanTally
from labcourier_agent.config import WatchConfig
from labcourier_agent.exits import AgentError
from labcourier_agent.journal import Journal
from labcourier_agent.progress import LOGGER, in_words
from labcourier_agent.settings import Folders, read_portals

EVERY = 3600.0
# Not in the minutes in which everything else begins.
FIRST_AFTER = 300.0
FAREWELL = 5.0


class Housekeeping:
    """Used as a context manager around the work of `watch`. `read` gives the configuration that is in force."""

    def __init__(self, folders: Folders, read: Callable[[], WatchConfig], *, first_after: float = FIRST_AFTER) -> None:
        self._folders = folders
        self._read = read
        self._first_after = first_after
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="housekeeping", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join(FAREWELL)

    def _keep(self) -> None:
        pause = self._first_after
        while not self._ended.wait(pause):
            self.clean()
            pause = EVERY

    def clean(self) -> None:
        """Once. Between two files it can be ended."""
        try:
            rules = [entry.clean for entry in self._read().folders if entry.clean]
            if rules:
                self._carry_out(rules)
        except AgentError as error:
            LOGGER.warning("Nothing more is removed for now: %s", error.sentence)

    def _carry_out(self, rules: list[CleanRule]) -> None:
        tally, portals = CleanTally(), read_portals(self._folders.config)
        journal = Journal(self._folders.journal)
        try:
            for rule in rules:
                for cleaned in Cleaning(journal, portals, rule, tally, really=True, now=time.time()).run():
                    LOGGER.debug("%s %s %s", cleaned.result, cleaned.path, cleaned.note)
                    if self._ended.is_set():
                        return
        finally:
            journal.close()
        if tally.files["removed"]:
            LOGGER.info(
                "%d verified files (%s) were removed.", tally.files["removed"], in_words(tally.bytes["removed"])
            )
