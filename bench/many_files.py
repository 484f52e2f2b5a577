"""``python -m bench.many_files COUNT``: a released dataset of so many files, put straight into database and store.

Prints its name. The files are 4 KiB each and second names of some dozens of real ones: what it costs to look one up
and open it is as it would be, what it costs to write a million is not the question.
"""

import hashlib
import itertools
import os
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import django
from django.utils import timezone

SIZE = 4096
A_FOLDER = 1000
A_CONTENT = 30_000  # second names of one file; file systems allow some 65 000
ROWS_AT_ONCE = 5000
RECIPIENT = "rita@example.org"


@dataclass(frozen=True)
class Stored:
    path: str
    sha256: str
    crc32: int


def seed(count: int) -> str:
    """The dataset's name. It is released as by its last file, so links, mail and all else follow by themselves."""
    from portal.models import Dataset, DatasetRecipient, Project
    from portal.storage import dataset_key, store
    from uploads.services.release import release_if_whole

    now = timezone.now()
    about = {"client_key": uuid4().hex, "sender": "bench", "sent_by": "bench", "name": f"bench-{count}-files"}
    dataset = Dataset.objects.create(project=Project.objects.get(), title=f"{count:,} files", **about)
    DatasetRecipient.objects.create(dataset=dataset, email=RECIPIENT)
    _insert(dataset.pk.hex, _write(store().path(dataset_key(dataset)), count), now)
    Dataset.objects.filter(pk=dataset.pk).update(
        state=Dataset.State.CLOSED,
        closed_at=now,
        file_count=count,
        verified_count=count,
        bytes_expected=count * SIZE,
        bytes_verified=count * SIZE,
        revision=1,
    )
    if not release_if_whole(dataset.pk, now=now):
        raise SystemExit("the dataset was not released")
    return dataset.name


def _insert(dataset_id: str, files: Iterator[Stored], now: datetime) -> None:
    from dataplane.names import path_key
    from portal.models import DataFile

    rows = (
        DataFile(
            dataset_id=dataset_id,
            path=file.path,
            path_key=path_key(file.path),
            size=SIZE,
            mtime_ns=1_700_000_000_000_000_000,
            sha256=file.sha256,
            crc32=file.crc32,
            state=DataFile.State.VERIFIED,
            received_at=now,
            verified_at=now,
        )
        for file in files
    )
    while batch := list(itertools.islice(rows, ROWS_AT_ONCE)):
        DataFile.objects.bulk_create(batch)


def _write(root: Path, count: int) -> Iterator[Stored]:
    """Makes the files below ``root`` as they are asked for."""
    first, sha256, crc32 = root, "", 0
    for number in range(count):
        path = f"{number // A_FOLDER:04d}/tile_{number:07d}.tif"
        full = root / path
        if number % A_FOLDER == 0:
            full.parent.mkdir(parents=True)
        if number % A_CONTENT == 0:
            content = hashlib.shake_128(str(number).encode()).digest(SIZE)
            first, sha256, crc32 = full, hashlib.sha256(content).hexdigest(), zlib.crc32(content)
            full.write_bytes(content)
        else:
            os.link(first, full)
        yield Stored(path, sha256, crc32)


if __name__ == "__main__":
    django.setup()
    print(seed(int(sys.argv[1])))
