"""A portal in processes of its own with one dataset that was handed over; the server can be asked and killed."""

import atexit
import http.client
import json
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dataplane.filepieces import PIECE
from dataplane.spans import Span, bytes_in, covers, merge
from deploy import broker
from tests.faults.live_portal import LivePortal, environment_of, manage

HANDED_OVER = """
import hashlib, random, zlib
from django.utils import timezone
from dataplane.names import path_key
from portal.models import DataFile, Dataset, DatasetRecipient, Project
from portal.storage import dataset_key, store
from sharing.links import token_of
from sharing.services.dispatch import dispatch_dataset
now, sizes = timezone.now(), {sizes}
project = Project.objects.create(code="em", name="Electron microscopy", contact_email="em@facility.example")
dataset = Dataset.objects.create(
    project=project, client_key="1", sender="upload_token:1", sent_by="Ada", name="session", title="Session",
    revision=1, state="released", closed_at=now, released_at=now, file_count=len(sizes), verified_count=len(sizes),
    bytes_expected=sum(sizes.values()), bytes_verified=sum(sizes.values()),
)
files = []
for path, size in sizes.items():
    content = random.Random(path).randbytes(size)
    place = store().path(dataset_key(dataset) + "/" + path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    files.append(DataFile(
        dataset=dataset, path=path, path_key=hashlib.sha256(path_key(path).encode()).hexdigest(), size=size,
        sha256=hashlib.sha256(content).hexdigest(), crc32=zlib.crc32(content), state="verified", verified_at=now,
    ))
DataFile.objects.bulk_create(files)
DatasetRecipient.objects.create(dataset=dataset, email="rita@university.example")
(link,) = dispatch_dataset(dataset_id=dataset.pk, now=now)
print("/s/" + token_of(link))
"""
SETTLE = """
from django.utils import timezone
from sharing.services.killed_servers import settle_dead_processes
settle_dead_processes(now=timezone.now())
"""


@dataclass
class Handover:
    portal: LivePortal
    address: str

    @property
    def zip(self) -> str:
        return f"{self.address}/session.zip"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.portal.port}{path}"

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=60)) as line:
            line.request(method, path, headers=headers)
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def receipt(self) -> dict[str, Any]:
        columns = "state, bytes_sent, bytes_total, requests, spans"
        rows = self.portal.query(f"select {columns} from sharing_receipt")  # noqa: S608  (a constant)
        assert len(rows) <= 1
        return dict(zip(columns.split(", "), rows[0], strict=True)) if rows else {}

    def known_or_unknowable(self) -> int:
        """Bytes that the receipt knows of, and those of the pieces in which a process was killed.

        Of these the server cannot know how many arrived: with eight connections one may just have ended.
        """
        until(lambda: not self.portal.query("select 1 from sharing_runningrequest where place is not null"))
        receipt = self.receipt()
        rows: Any = self.portal.query("select spans, process from sharing_runningrequest where place is null")
        shown = [span for spans, process in rows if not process for span in _spans(spans)]
        unknown = [span for spans, process in rows if process for span in _spans(spans)]
        known = merge(_spans(receipt["spans"]), shown)
        assert receipt["bytes_sent"] == bytes_in(known)
        assert (receipt["state"] == "complete") == covers(known, receipt["bytes_total"])
        assert all(bytes_in(_spans(spans)) <= 2 * PIECE for spans, _ in rows)
        return bytes_in(merge(known, unknown))

    def settle_killed(self) -> None:
        """What the sweep does once a minute."""
        self.portal.manage("shell", "--no-imports", "--command", SETTLE)

    def counted(self) -> tuple[int, ...]:
        """How many downloads: those of the link, its receipts, and those that the audit counts."""
        rows = self.portal.query(
            "select (select downloads from sharing_sharelink), (select count(*) from sharing_receipt), "
            "(select count(*) from portal_auditevent where kind = 'downloaded' and json_extract(detail, '$.counted'))"
        )
        return tuple(int(str(number)) for number in rows[0])

    def link_state(self) -> object:
        return self.portal.query("select state from sharing_sharelink")[0][0]

    def forget(self) -> None:
        """As if nothing had been taken yet."""
        self.change(
            "delete from sharing_runningrequest",
            "delete from sharing_receipt",
            "update sharing_sharelink set downloads = 0, file_rounds = 0, state = 'not_opened'",
        )

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.portal.var / "db.sqlite3", timeout=20)) as database, database:
            for statement in statements:
                database.execute(statement)

    def downloads(self) -> list[tuple[object, ...]]:
        return self.portal.query("select bytes, complete from portal_auditevent where kind = 'downloaded' order by id")


@cache
def _portal_without_data() -> Path:
    """A run-time folder to copy: to migrate a database takes longer than to start a server."""
    var = Path(tempfile.mkdtemp(prefix="labcourier-tests-"))
    atexit.register(shutil.rmtree, var, ignore_errors=True)
    manage(environment_of(var), "migrate", "--verbosity", "0")
    manage(environment_of(var), "collectstatic", "--no-input", "--verbosity", "0")
    return var


@contextmanager
def handed_over(var: Path, sizes: dict[str, int], **settings: object) -> Iterator[Handover]:
    """Files of these sizes, of noise that is the same each time; `settings` of the server."""
    shutil.copytree(_portal_without_data(), var, dirs_exist_ok=True)
    told = manage(environment_of(var), "shell", "--no-imports", "--command", HANDED_OVER.format(sizes=sizes))
    portal = LivePortal(var, secret="", settings=settings)
    try:
        portal.start()
        yield Handover(portal, told.strip().splitlines()[-1])
    finally:
        portal.stop()


def _spans(text: str) -> list[Span]:
    return [(start, stop) for start, stop in json.loads(text)]


def until(is_true: Callable[[], object], seconds: float = 90) -> None:
    """Looks again and again; a machine that does other things as well has time enough."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def with_cache(handover: Handover) -> Iterator[None]:
    """Its server again, with a cache: passwords and tokens that somebody guesses are counted there."""
    var = handover.portal.var
    broker.prepare(var)
    with subprocess.Popen(broker.command(var)) as cache:
        try:
            until(lambda: broker.answers(var))
            handover.portal.stop()
            handover.portal.settings["cache_url"] = f"unix://{broker.socket_path(var)}?db=1"
            handover.portal.start()
            yield
        finally:
            cache.terminate()
