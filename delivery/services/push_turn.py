"""What rclone is told to do in one turn of a push, and what its figures mean.

It copies what the destination lacks, so a push goes on wherever a worker died. In the end everything is compared: by
SHA-256 where the storage knows it, by MD5 where it knows that, else by reading every byte back.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from django.db.models import Sum

from delivery.hosts import refuse_own_hosts
from delivery.models import Delivery, FileToPush
from delivery.rclone import RcloneFailed, Stats, run, watch
from delivery.services.destinations import remote_of
from delivery.services.turns import TURN, Turn, TurnLost
from delivery.sources import source_remote
from portal.models import DataFile

State = Delivery.State

_TRANSFERS = ("--transfers", "8", "--checkers", "8", "--retries", "1", "--low-level-retries", "3")
_CAREFUL = ("--checksum", "--contimeout", "30s", "--timeout", "3m")
_LIMIT = ("--max-duration", f"{TURN}s", "--cutoff-mode", "soft")
_FEW = 10_000  # files of a live push that are copied at once
_SPARSE = 10  # when one file in so many is new, each is asked for; else folders are listed


class PushTurn:
    """One turn of one delivery; `folder` holds the lists that rclone reads.

    `files` and `size` are what this turn is about, `upto` the last row of `FileToPush` that it serves; `base` what was
    at the destination before, for the figures.
    """

    def __init__(self, delivery: Delivery, turn: Turn, folder: Path) -> None:
        self._delivery, self._turn = delivery, turn
        self._paths, self._sums, self._differ = (str(folder / name) for name in ("paths", "sums", "differ"))
        self._base_files = self._base_bytes = 0
        self.files = self.size = self.upto = 0
        dest = remote_of(delivery.destination)
        refuse_own_hosts(dest.hosts)
        self._remotes = {"src": source_remote(delivery.dataset), "dest": dest.below(delivery.dataset.name)}

    def copy_all(self) -> None:
        """Every verified file that the destination lacks. Raises RcloneFailed, TurnLost."""
        self.upto = max(self._delivery.files_to_push.values_list("id", flat=True), default=0)
        verified = self._delivery.dataset.files.verified().order_by("path").values_list("path", "size", "sha256")
        self._list(verified.iterator(chunk_size=5000))
        self._note(state=State.PUSHING, files_total=self.files, bytes_total=self.size)
        if self.files:  # a dataset without files has no folder yet
            self._copy()

    def copy_new(self) -> None:
        """What waits for a live push; what was replaced meanwhile is left out. Raises RcloneFailed, TurnLost."""
        dataset, waiting = self._delivery.dataset, FileToPush.objects.filter(delivery=self._delivery)
        last = waiting.order_by("id").values_list("id", flat=True)[:_FEW]
        self.upto = max(last, default=0)
        files = DataFile.objects.verified().filter(dataset=dataset)
        left = files.filter(pk__in=waiting.values("file")).aggregate(size=Sum("size"))["size"] or 0
        new = files.filter(pk__in=waiting.filter(id__lte=self.upto).values("file"))
        self._list(new.values_list("path", "size", "sha256"))
        self._base_files = max(0, dataset.verified_count - waiting.count())
        self._base_bytes = max(0, dataset.bytes_verified - left)
        if self.files:
            counts = {"files_total": dataset.verified_count, "bytes_total": dataset.bytes_verified}
            self._note(state=State.PUSHING, files_done=self._base_files, bytes_done=self._base_bytes, **counts)
            self._copy(*(["--no-traverse"] if self.files * _SPARSE < dataset.verified_count else []))
            self._note(files_done=self._base_files + self.files, bytes_done=self._base_bytes + self.size)

    def compare(self) -> None:
        """What differs is removed there, so that the next try copies it anew. Raises RcloneFailed, TurnLost."""
        if not self.files:
            return
        self._note(state=State.CHECKING)
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

    def _list(self, rows: Iterable[tuple[str, int, str]]) -> None:
        with Path(self._paths).open("w") as paths, Path(self._sums).open("w") as sums:
            for path, size, sha256 in rows:
                paths.write(f"{path}\n")
                sums.write(f"{sha256}  {path}\n")
                self.files, self.size = self.files + 1, self.size + size

    def _copy(self, *options: str) -> None:
        what = ("--files-from-raw", self._paths, *_CAREFUL, *_LIMIT, *options)
        self._watch("copy", self._place("src"), self._place("dest"), *what)

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
        if Delivery.objects.filter(pk=self._delivery.pk, link__revoked_at__isnull=False).exists():
            raise TurnLost
        done, sent = self._delivery, self._base_bytes + min(self.size, int(stats.get("bytes", 0)))
        seen = int(stats.get("transfers", 0)) + int(stats.get("checks", 0))
        files = self._base_files + min(self.files, seen)
        if done.state == State.PUSHING and files > done.files_done:  # further than any try before
            self._note(attempts=0, files_done=files, bytes_done=max(sent, done.bytes_done))
        elif done.state == State.PUSHING and sent > done.bytes_done:
            self._note(bytes_done=sent)
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
