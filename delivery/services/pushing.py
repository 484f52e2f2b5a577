"""Pushes, in turns of some minutes: first the projects that were served longest ago.

rclone copies what the destination lacks, so a push goes on wherever a worker died. Then everything is compared: by
SHA-256 where the storage knows it, by MD5 where it knows that, else by reading every byte back.
"""

import json
import tempfile
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import F, Max, OuterRef, Subquery

from dataplane.errors import DataplaneError
from delivery.hosts import refuse_own_hosts
from delivery.models import Delivery
from delivery.rclone import OUT_OF_TIME, RcloneFailed, Remote, Stats, run, watch
from delivery.services.destinations import remote_of
from delivery.services.push_end import hand_on, note_done, note_failed, put_off
from delivery.services.turns import TURN, Clock, Turn, TurnLost, begin_turn
from delivery.sources import source_remote
from portal.errors import PortalError
from portal.models import Dataset

State = Delivery.State
Remotes = dict[str, Remote]

_TRANSFERS = ("--transfers", "8", "--checkers", "8", "--retries", "1", "--low-level-retries", "3")
_CAREFUL = ("--checksum", "--contimeout", "30s", "--timeout", "3m")


def push_next(*, clock: Clock) -> bool:
    """One turn for the delivery whose project was served longest ago; False when none is due.

    A worker is always left for other work: no more than one less than there are push at the same time.
    """
    now = clock()
    if Delivery.objects.under_way().filter(leased_until__gt=now).count() >= max(1, _workers() - 1):
        return False
    for delivery_id in _in_order(now):
        if turn := begin_turn(Delivery.objects.under_way(), delivery_id, clock):
            _push(delivery_id, turn, clock)
            return True
    return False


def _workers() -> int:
    number: int = settings.CELERY_WORKER_CONCURRENCY
    return number


def _in_order(now: datetime) -> list[int]:
    of_project = Delivery.objects.filter(dataset__project=OuterRef("dataset__project")).order_by()
    served = of_project.values("dataset__project").annotate(last=Max("last_turn_at")).values("last")
    due = Delivery.objects.under_way().due(now).annotate(served=Subquery(served))
    first = F("served").asc(nulls_first=True), F("last_turn_at").asc(nulls_first=True), "pk"
    return list(due.order_by(*first).values_list("pk", flat=True)[:10])


def _push(delivery_id: int, turn: Turn, clock: Clock) -> None:
    related = ("dataset__project", "destination", "asked_by")
    delivery = Delivery.objects.select_related(*related).get(pk=delivery_id)
    Delivery.objects.filter(pk=delivery_id).update(last_turn_at=clock())
    try:
        if delivery.dataset.state != Dataset.State.RELEASED or delivery.destination.removed_at:
            gone = "destination was removed" if delivery.destination.removed_at else "dataset was deleted"
            note_failed(delivery, turn.claimant, f"The {gone} before everything was pushed.", clock())
            return
        with tempfile.TemporaryDirectory(prefix="push-") as folder:
            _Push(delivery, turn, Path(folder)).run(clock)
    except RcloneFailed as error:
        _failed(delivery, turn.claimant, error, clock())
    except (PortalError, DataplaneError, OSError) as error:
        put_off(delivery, turn.claimant, str(error), clock())
    except TurnLost:
        return


def _failed(delivery: Delivery, claimant: str, error: RcloneFailed, now: datetime) -> None:
    if error.code == OUT_OF_TIME:
        hand_on(delivery, claimant)
    elif error.is_permanent:
        note_failed(delivery, claimant, str(error), now)
    else:
        put_off(delivery, claimant, str(error), now)


class _Push:
    """One turn of one delivery; `folder` holds the lists that rclone reads."""

    def __init__(self, delivery: Delivery, turn: Turn, folder: Path) -> None:
        self._delivery, self._turn, self._folder = delivery, turn, folder
        self._paths, self._sums, self._differ = (str(folder / name) for name in ("paths", "sums", "differ"))
        self._files = self._bytes = 0
        dest = remote_of(delivery.destination)
        refuse_own_hosts(dest.hosts)
        self._remotes = {"src": source_remote(delivery.dataset), "dest": dest.below(delivery.dataset.name)}

    def run(self, clock: Clock) -> None:
        """Raises RcloneFailed, TurnLost."""
        self._list_files()
        self._note(state=State.PUSHING, files_total=self._files, bytes_total=self._bytes)
        limit = ("--max-duration", f"{TURN}s", "--cutoff-mode", "soft")
        self._watch("copy", self._place("src"), self._place("dest"), "--files-from-raw", self._paths, *_CAREFUL, *limit)
        self._note(state=State.CHECKING)
        self._compare()
        note_done(self._delivery, self._turn.claimant, self._files, self._bytes, clock())

    def _list_files(self) -> None:
        rows = self._delivery.dataset.files.verified().order_by("path").values_list("path", "size", "sha256")
        with Path(self._paths).open("w") as paths, Path(self._sums).open("w") as sums:
            for path, size, sha256 in rows.iterator(chunk_size=5000):
                paths.write(f"{path}\n")
                sums.write(f"{sha256}  {path}\n")
                self._files, self._bytes = self._files + 1, self._bytes + size

    def _compare(self) -> None:
        """What differs is removed there, so that the next try copies it anew. Raises RcloneFailed."""
        hashes = set(json.loads(run("backend", "features", "dest:", remotes=self._remotes)).get("Hashes") or ())
        one_way, dest = ("--one-way", "--differ", self._differ), self._place("dest")
        try:
            if "sha256" in hashes and not self._delivery.destination.read_back:
                self._watch("checksum", "sha256", self._sums, dest, *one_way)
            elif self._knows_md5(hashes):
                self._watch("check", self._place("src"), dest, "--files-from-raw", self._paths, *one_way)
            else:
                self._watch("checksum", "sha256", self._sums, dest, "--download", *one_way)
        except RcloneFailed:
            differ = Path(self._differ)
            if differ.exists() and differ.stat().st_size:
                self._watch("delete", dest, "--files-from-raw", self._differ)
            raise

    def _knows_md5(self, hashes: set[str]) -> bool:
        """On both sides, for every file."""
        local = self._remotes["src"].options["type"] == "local"
        return "md5" in hashes and local and not self._delivery.destination.read_back

    def _place(self, name: str) -> str:
        return f"{name}:{self._remotes[name].path}"

    def _watch(self, *arguments: str) -> None:
        watch(*arguments, *_TRANSFERS, remotes=self._remotes, tell=self._tell)

    def _tell(self, stats: Stats) -> None:
        """Figures of this turn. Files that were there already are looked at and not sent. Raises TurnLost."""
        files = min(self._files, int(stats.get("transfers", 0)) + int(stats.get("checks", 0)))
        sent, done = int(stats.get("bytes", 0)), self._delivery
        if done.state == State.PUSHING and files > done.files_done:  # further than any try before
            self._note(attempts=0, files_done=files, bytes_done=min(max(sent, done.bytes_done), self._bytes))
        elif done.state == State.PUSHING and sent > done.bytes_done:
            self._note(bytes_done=min(sent, self._bytes))
        else:
            self._note()
        self._turn.still_here()

    def _note(self, **said: object) -> None:
        """Raises TurnLost when it was cancelled, or somebody else has it."""
        mine = Delivery.objects.filter(pk=self._delivery.pk, claimed_by=self._turn.claimant)
        if not (mine.update(**said) if said else mine.exists()):
            raise TurnLost
        for name, value in said.items():
            setattr(self._delivery, name, value)
