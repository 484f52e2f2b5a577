"""One run of `send`: from the folders to a closed dataset whose every file the portal has verified.

The main thread looks, announces, asks and closes; the senders send. The journal is what they share, so whatever ends
this run, the next one with the same command starts from the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx2

from labcourier_agent.announcer import Announcer
from labcourier_agent.bundles import Bundles
from labcourier_agent.clock import steady_now
from labcourier_agent.exits import Conflict, Interrupted, NotFound, Refused
from labcourier_agent.gauge import Gauge
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.lookout import Follow, Intake, Lookout
from labcourier_agent.notices import Notices
from labcourier_agent.patience import Patience
from labcourier_agent.portal_client import PortalClient, refuse_if_outdated, tell_if_newer
from labcourier_agent.progress import LOGGER, Progress
from labcourier_agent.resending import send_missing_again, terminate
from labcourier_agent.senders import Senders
from labcourier_agent.transfer import DATASET_OVER
from labcourier_agent.tus_client import TusClient
from labcourier_agent.upload import Way
from labcourier_agent.verdicts import Verdicts

T = TypeVar("T")

PAUSE = 0.1
ADD_NEW = "A dataset takes no files after it is closed: add --new to send everything as a new dataset."
UNFINISHED = ("found", "announced", "sending", "sent")


@dataclass(frozen=True)
class Options:
    """`intake`: where the files come from, when it is not the plan's folders."""

    transfers: int = 4
    follow: Follow | None = None
    intake: Intake | None = None

    @property
    def stable(self) -> float | None:
        return self.follow.stable if self.follow else None

    @property
    def marker(self) -> str | None:
        return self.follow.marker if self.follow else None


@dataclass(frozen=True)
class Desk:
    """Those who work on a dataset once the portal knows it."""

    way: Way
    announcer: Announcer
    senders: Senders
    verdicts: Verdicts


class Run:
    """Used once, by one thread. `left_over` counts new or changed files that a closed dataset cannot take any more."""

    def __init__(
        self, journal: Journal, dataset: DatasetRow, http: httpx2.Client, progress: Progress, options: Options
    ) -> None:
        self.left_over = 0
        self.ledger = Ledger(journal, dataset.id)
        self._bundles = Bundles(journal, dataset.id)
        self._journal = journal
        self._dataset = dataset
        self._http = http
        self._progress = progress
        self._options = options
        self._portal = PortalClient(http, dataset.plan.portal_url)
        self._stop = threading.Event()
        plan = dataset.plan
        self._intake = options.intake or Lookout(plan.sources, options.follow, plan.selection())
        self._closed = dataset.closed_at is not None
        self._portal_id = dataset.portal_id
        self._notices = Notices()
        self._gauge = Gauge(self.ledger)

    def execute(self) -> None:
        """Returns when nothing is left to do: all verified and closed, or some files failed and stay as they are.

        Errors: Refused, BadUsage, NoRoom, JournalTrouble; Interrupted after `stop`. What was sent by then stays sent.
        """
        if self._portal_id is not None:
            self._portal_id = self._rejoin(self._portal_id)
        self.ledger.resume(closed=self._closed, now=steady_now(), stable=self._options.stable or 0.0)
        if self._find_something():
            desk = self._open_desk()
            try:
                while not self._is_done():
                    if not self._tick(desk):
                        desk.senders.rest(PAUSE)
            except Interrupted:
                desk.senders.raise_trouble()
                raise
            except Conflict as conflict:
                self._note_over(conflict)
                raise
            finally:
                desk.senders.stop()
            self._finish(desk)

    def stop(self) -> None:
        """From another thread: `execute` raises Interrupted soon."""
        self._stop.set()

    def _find_something(self) -> bool:
        """Looks until there is something to do, or will never be."""
        while True:
            moved = self._look()
            if self.ledger.has(*UNFINISHED, "stated") or (self.ledger.has("verified") and not self._closed):
                return True
            if self._intake.over:
                return False
            if not moved and self._stop.wait(PAUSE):
                raise Interrupted

    def _tick(self, desk: Desk) -> bool:
        """A bit of everything that is due. Returns whether anything moved."""
        moved = self._look(desk)
        if desk.announcer.announce():
            desk.senders.wake()
            moved = True
        moved |= desk.announcer.state_digests(hurry=not desk.senders.active())
        moved |= desk.verdicts.collect(hurry=not self.ledger.has(*UNFINISHED))
        moved |= self._withdraw_vanished(desk)
        moved |= self._close_if_complete(desk)
        if self._gauge.is_due():
            self._progress.show(self._gauge.view(desk.senders.active()))
        desk.senders.raise_trouble()
        if self._stop.is_set():
            raise Interrupted
        return moved

    def _withdraw_vanished(self, desk: Desk) -> bool:
        return not self._closed and not self.ledger.has(*UNFINISHED) and desk.announcer.withdraw()

    def _look(self, desk: Desk | None = None) -> bool:
        quiet = not self.ledger.has(*UNFINISHED)
        if not self._intake.is_due(quiet=quiet):
            return False
        say = LOGGER.debug if self._intake.looked else self._notices.say
        stock = self._intake.look(self.ledger, quiet=quiet, say=say)
        if desk is not None:
            terminate(desk.way.tus, stock.stale_uploads)
            if stock.changed:
                desk.senders.wake()
        return stock.changed > 0 or self._intake.over

    def _rejoin(self, portal_id: str) -> str | None:
        """Returns its id as far as the portal still has it. A portal may have been restored from an older backup."""
        try:
            answer = self._patiently(lambda: self._portal.dataset(portal_id))
        except NotFound:
            self._begin_anew()
            return None
        self._journal.note_answer(self._dataset.id, answer)
        if answer["state"] == "open" and self._closed:
            self._closed = False
            self._journal.note_reopened(self._dataset.id)
        elif answer["state"] != "open" and not self._closed:
            self._accept_closing()
        self._miss_nothing(portal_id, answer)
        if self._closed:
            self._intake.over = True
            self.left_over = self._intake.left_over(self.ledger)
        return portal_id

    def _begin_anew(self) -> None:
        # Something else than the portal may have said so: then this raises, and nothing is forgotten.
        self._patiently(self._portal.connection)
        self._closed = False
        self._journal.note_reopened(self._dataset.id)
        self.ledger.begin_anew()
        title = self._dataset.plan.title
        self._notices.say(
            f"The portal has no dataset “{title}” any more: it is made again, and all files are sent again."
        )

    def _miss_nothing(self, portal_id: str, answer: dict[str, Any]) -> None:
        """What was verified and is not any more is sent again; in a closed dataset it is asked about."""
        if int(answer["counts"]["verified"]) >= self.ledger.number_of("verified"):
            return
        self._patiently(lambda: self.ledger.note_at_portal(self._portal.verified_files(portal_id)))
        lost = self.ledger.set_back_missing("stated" if self._closed else "found")
        if lost:
            self._notices.say(
                f"The portal does not have {lost} files any more that it had verified: they are sent again."
            )

    def _accept_closing(self) -> None:
        """Somebody closed the dataset at the portal, or its answer to our closing was lost."""
        self._note_closed()
        if self.ledger.has(*UNFINISHED, "failed"):
            self._journal.note_ended(self._dataset.id)
            raise Refused(f"The dataset was closed at the portal before everything was sent. {ADD_NEW}")

    def _open_desk(self) -> Desk:
        connection = self._patiently(self._portal.connection)
        refuse_if_outdated(connection)
        tell_if_newer(connection)
        if connection.bundles is None:
            self._bundles.dissolve_all()
        way = Way(
            dataset_id=self._portal_id or self._create_dataset(),
            portal=self._portal,
            tus=TusClient(self._http, connection.tus_endpoint),
            ledger=self.ledger,
            bundles=self._bundles,
            rules=connection.bundles,
            stop=self._stop,
            notices=self._notices,
            transfers=self._options.transfers,
        )
        senders = Senders(way, stable=self._options.stable)
        senders.start()
        verdicts = Verdicts(way, note_answer=lambda answer: self._journal.note_answer(self._dataset.id, answer))
        return Desk(way, Announcer(way, connection), senders, verdicts)

    def _create_dataset(self) -> str:
        """Asked again with the same key after a lost answer, the portal gives the same dataset."""
        request = self._dataset.plan.request(self._dataset.client_key)
        answer = self._patiently(lambda: self._portal.create_dataset(request))
        self._journal.note_answer(self._dataset.id, answer)
        LOGGER.info("dataset %s", answer["name"])
        return str(answer["id"])

    def _close_if_complete(self, desk: Desk) -> bool:
        """Not before all bundles are unpacked: only then is known which of their files the portal did not like."""
        if self._closed or not self._intake.over or not self._intake.closes:
            return False
        if self.ledger.has(*UNFINISHED, "failed") or self._bundles.any():
            return False
        try:
            self._patiently(lambda: self._portal.close(desk.way.dataset_id))
        except Conflict as conflict:
            if conflict.code != "files_missing":
                raise
            send_missing_again(desk.way, conflict)
            desk.senders.wake()
        else:
            self._note_closed()
        return True

    def _note_closed(self) -> None:
        self._closed = True
        self._journal.note_closed(self._dataset.id)

    def _note_over(self, conflict: Conflict) -> None:
        if conflict.code in DATASET_OVER:
            self._journal.note_ended(self._dataset.id)

    def _is_done(self) -> bool:
        if not self._intake.over or self.ledger.has(*UNFINISHED, "stated"):
            return False
        return self._closed or not self._intake.closes or self.ledger.has("failed")

    def _finish(self, desk: Desk) -> None:
        # The senders' stop is set by now; this last question has a line of attempts of its own.
        patience = Patience(threading.Event(), self._notices.say)
        answer = patience.keep_trying(lambda: self._portal.dataset(desk.way.dataset_id))
        self._journal.note_answer(self._dataset.id, answer)
        if self._closed and not self.ledger.has("failed"):
            self._journal.note_ended(self._dataset.id)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        return Patience(self._stop, self._notices.say).keep_trying(attempt)
