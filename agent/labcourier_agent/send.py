"""The command `send`: a plan becomes a dataset, or goes on with the one it began."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labcourier_agent.bandwidth import Bandwidth
from labcourier_agent.exits import AgentError, Exit, NotFound, Refused
from labcourier_agent.hours import execute_in_hours
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.lock import only_one, only_one_on
from labcourier_agent.plan import Plan
from labcourier_agent.portal_client import PortalClient
from labcourier_agent.progress import LOGGER, open_progress
from labcourier_agent.records import Counts
from labcourier_agent.report import Report, exit_code_of
from labcourier_agent.run import ADD_NEW, Options, Run
from labcourier_agent.settings import Folders, Portal
from labcourier_agent.stock import compare_stock, take_stock
from labcourier_agent.timetable import Schedule
from labcourier_agent.wire import open_http

# For a question about what was complete: a person waits for this.
ANSWER_WITHIN = 10.0


@dataclass(frozen=True)
class Order:
    """What the person asked for beside the plan. `anew`: not with the ended dataset of the same command."""

    plan: Plan
    options: Options
    anew: bool = False
    bandwidth: Bandwidth | None = None
    schedule: Schedule | None = None


def absolute_sources(paths: Sequence[str]) -> tuple[str, ...]:
    """Each once. Errors: NotFound for what is not there."""
    sources = tuple(dict.fromkeys(str(Path(path).absolute()) for path in paths))
    for source in sources:
        if not Path(source).exists():
            raise NotFound(f"There is no file or folder {source}.")
    return sources


def send(order: Order, portal: Portal, folders: Folders) -> Report:
    """Errors: what prevents a dataset from coming to be. Once there is one, trouble is in the report."""
    began = time.monotonic()
    with only_one(folders.locks, order.plan.identity()), only_one_on(folders.locks, order.plan.sources):
        journal = Journal(folders.journal)
        try:
            dataset = journal.latest(order.plan)
            if dataset is not None and dataset.ended_at is not None and not order.anew:
                if not _is_open_again(dataset, portal):
                    return _look_back(journal, dataset, order)
                journal.note_reopened(dataset.id)
                return _run(journal, dataset, order, portal, began)
            if dataset is None or dataset.ended_at is not None:
                _point_at_others(journal, order.plan)
                dataset = journal.begin(order.plan)
            return _run(journal, dataset, order, portal, began)
        finally:
            journal.close()


def rehearse(order: Order, folders: Folders, show: Callable[[str, int], None]) -> tuple[Counts, DatasetRow | None]:
    """What `send` would find, told to `show` as path and size in bytes, and the dataset it would go on with."""
    passing = Journal(None)
    try:
        ledger = Ledger(passing, passing.begin(order.plan).id)
        selection, marker = order.plan.selection(), order.options.marker
        take_stock(ledger, order.plan.sources, ready_at=0.0, skip=marker, selection=selection, say=LOGGER.warning)
        for row in ledger.all_files():
            show(row.path, row.signature.size)
        counts = ledger.counts()
    finally:
        passing.close()
    return counts, _known_dataset(order, folders)


def _known_dataset(order: Order, folders: Folders) -> DatasetRow | None:
    if not folders.journal.exists():
        return None
    journal = Journal(folders.journal)
    try:
        dataset = journal.latest(order.plan)
    finally:
        journal.close()
    return dataset if dataset is not None and not (order.anew and dataset.ended_at) else None


def _run(journal: Journal, dataset: DatasetRow, order: Order, portal: Portal, began: float) -> Report:
    http = open_http(portal.token, connections=order.options.transfers, bandwidth=order.bandwidth)
    error: AgentError | None = None
    left_over = 0
    try:
        with open_progress() as progress:
            runs: list[Run] = []

            def begin() -> Run:
                row = journal.latest(order.plan) or dataset
                runs.append(Run(journal, row, http, progress, order.options))
                return runs[-1]

            execute_in_hours(begin, order.schedule)
            left_over = runs[-1].left_over
    except AgentError as trouble:
        error = trouble
    finally:
        http.close()
    report = _report(journal, dataset, error, left_over, time.monotonic() - began)
    if report.answer is None and not report.resumable:
        journal.forget(dataset.id)
    return report


def _report(journal: Journal, dataset: DatasetRow, error: AgentError | None, left_over: int, seconds: float) -> Report:
    ledger = Ledger(journal, dataset.id)
    counts = ledger.counts()
    exit_code = error.exit_code if error else exit_code_of(ledger)
    sentence = error.sentence if error else ""
    if left_over and exit_code is Exit.OK:
        exit_code, sentence = Exit.REFUSED, f"New or changed since it was closed: {left_over}. {ADD_NEW}"
    if not error and counts.total == 0:
        exit_code, sentence = Exit.NOT_FOUND, f"Nothing to send: no files in {', '.join(dataset.plan.sources)}."
    answer = journal.answer(dataset.id)
    # Without an answer there is no dataset at the portal, unless it was made and its answer did not arrive in time.
    hopeless = answer is None and (error is None or isinstance(error, Refused))
    resumable = journal.is_under_way(dataset.id) and not hopeless
    return Report(answer, counts, ledger.failures(), seconds, exit_code, sentence, resumable)


def _look_back(journal: Journal, dataset: DatasetRow, order: Order) -> Report:
    """The same command again, after its dataset ended."""
    began = time.monotonic()
    ledger = Ledger(journal, dataset.id)
    counts = ledger.counts()
    sources, selection = order.plan.sources, order.plan.selection()
    left_over = compare_stock(ledger, sources, skip=order.options.marker, selection=selection).changed
    exit_code, sentence = Exit.REFUSED, ""
    if counts.verified < counts.total:
        sentence = f"The portal takes no more files into this dataset, and some were not sent. {ADD_NEW}"
    elif left_over:
        sentence = f"New or changed since this was sent: {left_over}. {ADD_NEW}"
    else:
        exit_code = Exit.OK
        LOGGER.info("Everything was sent and verified before, and nothing has changed since.")
    return Report(dataset.answer, counts, ledger.failures(), time.monotonic() - began, exit_code, sentence)


def _is_open_again(dataset: DatasetRow, portal: Portal) -> bool:
    """Whether the portal was restored from an older backup, of a time before the dataset was complete.

    Errors: NotFound when it is gone altogether.
    """
    if dataset.portal_id is None:
        return False
    with open_http(portal.token, answer_within=ANSWER_WITHIN) as http:
        try:
            return bool(PortalClient(http, portal.url).dataset(dataset.portal_id)["state"] == "open")
        except NotFound as error:
            raise NotFound(
                f"The portal does not have “{dataset.plan.title}” any more, which was sent completely: "
                "add --new to send everything again as a new dataset."
            ) from error
        except AgentError as error:
            LOGGER.warning("%s What follows is what this computer knows.", error.sentence)
            return False


def _point_at_others(journal: Journal, plan: Plan) -> None:
    """A command that differs in a detail begins another dataset: the person may have meant to go on."""
    for other in journal.under_way():
        if other.plan.portal_url == plan.portal_url and set(other.plan.sources) == set(plan.sources):
            LOGGER.warning("This begins another dataset of the same folder. To go on with the one before: %s",
                           other.plan.command())  # fmt: skip
