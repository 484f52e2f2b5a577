"""The command `status`: what the journal knows, and the portal's word where it can be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from labcourier_agent.exits import AgentError
from labcourier_agent.journal import DatasetRow, Journal
from labcourier_agent.ledger import Ledger
from labcourier_agent.portal_client import PortalClient
from labcourier_agent.progress import in_words
from labcourier_agent.records import Counts, Failure
from labcourier_agent.settings import Folders, Portal, Portals
from labcourier_agent.wire import open_http

FAILURES_SHOWN = 20
# A person waits for this.
ANSWER_WITHIN = 10.0


@dataclass(frozen=True)
class Standing:
    """One dataset. `answer` is the portal's last word, `fresh` when it was asked just now."""

    dataset: DatasetRow
    counts: Counts
    failures: list[Failure]
    answer: dict[str, Any] | None
    fresh: bool

    @property
    def word(self) -> str:
        if self.dataset.ended_at is not None:
            return "complete" if self.counts.verified == self.counts.total else "ended, not complete"
        if self.counts.of("failed"):
            return "has failures"
        return "waiting for verification" if self.dataset.closed_at is not None else "not finished"

    def document(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "title": self.dataset.plan.title,
            "portal": self.dataset.plan.portal_url,
            "project": self.dataset.plan.project,
            "sources": list(self.dataset.plan.sources),
            "begun_at": datetime.fromtimestamp(self.dataset.begun_at, UTC).isoformat(),
            "status": self.word,
            "files": {
                "total": counts.total,
                "sent": counts.at_portal,
                "verified": counts.verified,
                "waiting": counts.waiting,
                "failed": counts.of("failed"),
            },
            "bytes": {"total": counts.total_bytes, "verified": counts.bytes_of("verified")},
            "failed": [failure.document() for failure in self.failures],
            "dataset": self.answer,
            "portal_asked_now": self.fresh,
            "command": self.dataset.plan.command(),
        }

    def lines(self) -> list[str]:
        counts, plan = self.counts, self.dataset.plan
        name = self.answer["name"] if self.answer else "not yet at the portal"
        sent = f"{counts.at_portal} sent, {counts.verified} verified"
        left = f"{counts.waiting} waiting, {counts.of('failed')} failed"
        lines = [
            f"{plan.title}: {self.word} ({name})",
            f"  {counts.total} files, {in_words(counts.total_bytes)}: {sent}, {left}",
        ]
        if self.answer:
            said = "says" if self.fresh else "said"
            verified = self.answer["counts"]["verified"]
            lines.append(f"  {plan.portal_url} {said}: {self.answer['state']}, {verified} verified")
            lines.append(f"  {self.answer['url']}")
        lines += [f"  failed: {failure.path}: {failure.reason}" for failure in self.failures]
        if self.dataset.ended_at is None:
            lines.append(f"  to go on: {plan.command()}")
        return lines


def standings(folders: Folders, portals: Portals, *, limit: int, offline: bool) -> tuple[list[Standing], list[str]]:
    """The latest `limit` datasets, newest first, and a sentence for each portal that could not be asked."""
    if not folders.journal.exists():
        return [], []
    journal = Journal(folders.journal)
    try:
        asker = Asker(portals, offline=offline)
        found = [_standing(journal, dataset, asker) for dataset in journal.datasets(limit)]
        return found, asker.complaints
    finally:
        journal.close()


class Asker:
    """Asks each portal until it fails to answer once."""

    def __init__(self, portals: Portals, *, offline: bool) -> None:
        self.complaints: list[str] = []
        self._portals = portals
        self._offline = offline
        self._silent: set[str] = set()

    def ask(self, dataset: DatasetRow) -> dict[str, Any] | None:
        portal = self._portal_of(dataset)
        if self._offline or portal is None or portal.name in self._silent or dataset.portal_id is None:
            return None
        with open_http(portal.token, answer_within=ANSWER_WITHIN) as http:
            try:
                return PortalClient(http, portal.url).dataset(dataset.portal_id)
            except AgentError as error:
                self._silent.add(portal.name)
                self.complaints.append(f"{portal.name}: {error.sentence} What follows is what this computer knows.")
                return None

    def _portal_of(self, dataset: DatasetRow) -> Portal | None:
        wanted = (dataset.plan.portal_url, dataset.plan.project)
        return next((portal for portal in self._portals.known if (portal.url, portal.project) == wanted), None)


def _standing(journal: Journal, dataset: DatasetRow, asker: Asker) -> Standing:
    answer = asker.ask(dataset)
    if answer is not None:
        journal.note_answer(dataset.id, answer)
    ledger = Ledger(journal, dataset.id)
    return Standing(
        dataset, ledger.counts(), ledger.failures(FAILURES_SHOWN), answer or dataset.answer, answer is not None
    )
