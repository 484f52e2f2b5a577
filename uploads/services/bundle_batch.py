"""A few hundred members of a bundle on their way to becoming files, and who may write them down."""

from dataclasses import dataclass, field
from datetime import datetime

from dataplane.checksums import Digests
from portal.models import DataFile, Dataset
from uploads.models import Bundle
from uploads.services.claims import LEASE
from uploads.services.file_wishes import FileWish, name_conflicts, repeated_names


class ClaimLost(Exception):
    """Another worker has taken the bundle over: leave it to him."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A member as a file that waits at `key`, with what was read back of it."""

    wish: FileWish
    key: str
    found: Digests


@dataclass(slots=True)
class Batch:
    """`first` to `end` of the members, as their files and as what became of the others.

    `conflicting`: keys of the files whose names do not fit beside others; what is wrong with them stands in `bad`.
    """

    first: int
    end: int
    files: list[Unpacked] = field(default_factory=list)
    bad: list[dict[str, str]] = field(default_factory=list)
    conflicting: set[str] = field(default_factory=set)

    @property
    def keys(self) -> list[str]:
        return [file.wish.key for file in self.files]

    def refuse(self, path: str, sha256: str, reason: str, state: str = "invalid") -> None:
        self.bad.append({"path": _storable(path), "sha256": sha256, "state": state, "reason": reason[:300]})


def _storable(path: str) -> str:
    """PostgreSQL stores neither NUL nor half a surrogate pair; both are shown as escapes."""
    return path.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def require_claim(bundle: Bundle, batch: Batch, now: datetime) -> None:
    """Holds the claim for another while. Raises ClaimLost."""
    held = Bundle.objects.waiting().filter(pk=bundle.pk, claimed_by=bundle.claimed_by, done_count=batch.first)
    if not held.update(leased_until=now + LEASE):
        raise ClaimLost


def without_conflicts(dataset: Dataset, batch: Batch, existing: dict[str, DataFile]) -> list[Unpacked]:
    """Those whose names fit beside what the dataset has; the others go to `batch.bad`. Lock the dataset."""
    left = [file for file in batch.files if file.key not in batch.conflicting]
    while left:
        wishes = [file.wish for file in left]
        problems = dict([*repeated_names(wishes), *name_conflicts(dataset, wishes, existing)])
        if not problems:
            break
        for file in left:
            if reason := problems.get(file.wish.sent_path):
                batch.refuse(file.wish.sent_path, file.wish.sha256, reason)
                batch.conflicting.add(file.key)
        left = [file for file in left if file.wish.sent_path not in problems]
    return left


def is_here(file: Unpacked, existing: dict[str, DataFile]) -> bool:
    """The dataset has this very content under this name: nothing is verified twice."""
    known = existing.get(file.wish.key)
    return (
        known is not None
        and known.state == DataFile.State.VERIFIED
        and (known.path, known.size, known.sha256) == (file.wish.path, file.wish.size, file.wish.sha256)
    )
