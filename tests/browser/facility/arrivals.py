"""Datasets arrive: made, announced, received, verified, closed and released, as far as each has come."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.db.models import Sum

from portal.counts import Change, apply_change
from portal.models import DataFile, Dataset, Instrument
from tests.browser.facility.acquisitions import FilesOfRun
from tests.browser.facility.moved_clock import Story
from tests.browser.facility.people import AGENT, House, agent_address
from uploads.models import Upload, UploadToken
from uploads.services.datasets import DatasetWish, close_dataset, create_dataset
from uploads.services.file_wishes import RawWish
from uploads.services.files import announce_files
from uploads.services.release import release_if_whole
from uploads.services.trouble import tell_corrupt

BYTES_A_SECOND = 110 * 10**6
AT_ONCE = 1000
DAMAGED = (
    "The stored bytes have the SHA-256 9f2c41d07be8a355…, the sender stated 31b6e0c54d29f7aa…. Send the file again."
)
State = DataFile.State


@dataclass(frozen=True)
class Run:
    """One dataset to come. Of its files ``arrived`` have come (None: all), ``unread`` of them wait to be verified."""

    title: str
    instrument: str
    began: datetime
    files: FilesOfRun
    recipients: Sequence[str] = ()
    keywords: Sequence[str] = ()
    investigation: str = ""
    description: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    arrived: int | None = None
    unread: int = 0
    corrupt: int = 0
    close: bool = True

    @property
    def key(self) -> str:
        return str(uuid5(NAMESPACE_URL, f"{self.title} {self.instrument}"))

    @property
    def ended(self) -> datetime:
        """When its last byte came, at the speed of the facility's network."""
        return self.began + timedelta(seconds=sum(size for _, size in self.files) / BYTES_A_SECOND)


def let_arrive(story: Story, house: House, run: Run) -> None:
    """Tells the story of one dataset up to its release; who gets it is told elsewhere."""
    story.at(run.began, lambda: _announce(house, run, run.began))
    arrived = run.ended if run.arrived is None else min(run.ended, story.now)
    story.at(arrived, lambda: _receive(run, arrived))
    if run.close:
        actor = house.sender(run.instrument).actor
        story.at(arrived, lambda: close_dataset(dataset_id=dataset_of(run).pk, actor=actor, now=arrived))
    story.at(arrived, lambda: _judge(run, arrived))


def send_again(story: Story, run: Run) -> None:
    """Three files of a run that goes on were written again after they had been verified."""
    wishes = [
        RawWish(path, size, sha256=hashlib.sha256(f"{path} again".encode()).hexdigest()) for path, size in run.files
    ]
    story.at(story.now, lambda: announce_files(dataset_id=dataset_of(run).pk, raw_wishes=wishes[40:43], now=story.now))


def dataset_of(run: Run) -> Dataset:
    return Dataset.objects.select_related("project", "instrument").get(client_key=run.key)


def _announce(house: House, run: Run, now: datetime) -> None:
    machine, sender = house.instruments[run.instrument], house.sender(run.instrument)
    wish = DatasetWish(
        client_key=run.key,
        title=run.title,
        description=run.description,
        investigation=run.investigation,
        keywords=list(run.keywords),
        metadata=run.metadata,
        recipients=list(run.recipients),
    )
    dataset, _ = create_dataset(sender=sender, project=machine.project, instrument=machine, wish=wish, now=now)
    wishes = [RawWish(path, size, sha256=hashlib.sha256(path.encode()).hexdigest()) for path, size in run.files]
    for start in range(0, len(wishes), AT_ONCE):
        announce_files(dataset_id=dataset.pk, raw_wishes=wishes[start : start + AT_ONCE], now=now)


def _receive(run: Run, now: datetime) -> None:
    """What the data plane would have written down."""
    dataset = dataset_of(run)
    received = dataset.files.filter(pk__in=dataset.files.order_by("pk").values("pk")[: run.arrived]).update(
        state=State.RECEIVED,
        received_at=now - timedelta(seconds=40),
        not_before=now + timedelta(days=300),  # no worker looks for bytes that never were
    )
    apply_change(dataset.pk, Change(received=received))
    _note_contact(dataset, now)
    if not run.close:
        _start_uploads(dataset, now)


def _note_contact(dataset: Dataset, now: datetime) -> None:
    token = UploadToken.objects.filter(instrument=dataset.instrument).latest("pk")
    token.last_used_at, token.last_used_from = now, agent_address(token)
    token.save(update_fields=["last_used_at", "last_used_from"])
    machines = Instrument.objects.filter(datasets=dataset)
    machines.update(last_contact_at=now, last_contact_from=f"{AGENT} at {agent_address(token)}")


def _judge(run: Run, now: datetime) -> None:
    """What a worker would have found when it read the files back."""
    dataset = dataset_of(run)
    received = dataset.files.filter(state=State.RECEIVED).order_by("pk")
    corrupt = list(received[2 : 2 + run.corrupt])
    last = received[received.count() - run.unread - 1]
    dataset.files.filter(pk__in=[file.pk for file in corrupt]).update(state=State.CORRUPT, reason=DAMAGED)
    found = {"state": State.VERIFIED, "verified_at": now, "crc32": 0, "not_before": None}
    verified = received.filter(pk__lte=last.pk).order_by().update(**found)
    size = dataset.files.verified().aggregate(size=Sum("size"))["size"] or 0
    judged = verified + len(corrupt)
    apply_change(dataset.pk, Change(received=-judged, verified=verified, bytes_verified=size, corrupt=len(corrupt)))
    if corrupt:
        tell_corrupt(dataset, list(dataset.files.filter(state=State.CORRUPT)), now=now)
    release_if_whole(dataset.pk, now=now)


def _start_uploads(dataset: Dataset, now: datetime) -> None:
    """Three files are on their way."""
    for part, file in enumerate(dataset.files.filter(state=State.EXPECTED).order_by("pk")[:3], start=1):
        Upload.objects.create(
            file=file,
            dataset=dataset,
            sender=dataset.sender,
            length=file.size,
            offset=file.size * part // 4,
            touched_at=now,
            expires_at=now + timedelta(days=7),
        )
