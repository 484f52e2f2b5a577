"""A portal with something to do for each of its tasks; and what is true of it once all of that is done."""

import hashlib
import json
import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils import timezone

from dataplane.localstore import ARRIVING
from delivery.models import Delivery, Destination
from delivery.services.copy_begin import begin_copy
from delivery.services.hooks import make_hook
from delivery.vault import lock_away
from keeping.models import AskedPerson, FileCopy, Keeping, RetentionClass
from keeping.models.asked import WARNING
from portal import storage
from portal.actors import Actor
from portal.digests import KEPT_FOR
from portal.link_tokens import current_key_id
from portal.models import (
    AuditEvent,
    DataFile,
    Dataset,
    DigestLine,
    DiskDay,
    Membership,
    Notice,
    Project,
    StorageDay,
    User,
)  # fmt: skip
from reminders.models import ReminderPolicy
from sharing.models import ShareLink
from tests.bundle_samples import Sample
from tests.faults.clockwork.mailbox import flags_in, put_in_mailbox
from tests.faults.clockwork.outside import calls_in, mails_in
from tests.keeping.conftest import a_dataset
from tests.portal import bounce_samples
from tests.uploads.conftest import Pc
from tests.uploads.test_bundles import send_bundle
from tests.uploads.test_heartbeat import beat
from uploads.models import Agent, Upload, UploadToken
from uploads.services.work import verify_waiting

RITA, RUTH, ROY = (f"{name}@university.example" for name in ("rita", "ruth", "roy"))
DORA, SAM = "dora@facility.example", "sam@facility.example"
DAILY = ("downloads-digest", "storage-report")  # two of them when the day, or seven in the morning, comes meanwhile
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
Facts = dict[str, object]


def make_world(secret: str, mount: Path, hook_port: int, outside: Path) -> list[tuple[str, tuple[int | str, ...]]]:
    """Fills the database of the settings. What somebody would have rung for besides, by name and ids."""
    project = Project.objects.get()
    Project.objects.update(copy_store="archive")
    ReminderPolicy.objects.update_or_create(project=project, defaults={"copies_to": "project"})
    alice = User.objects.get()
    Membership.objects.create(project=project, user=alice, role=Membership.Role.MANAGER)
    make_hook(project=project, url=f"http://127.0.0.1:{hook_port}/arrived", actor=Actor.of_user(alice))
    old = _handed_over_last_week(project)
    _kept_for_a_month()
    _came_back(old, outside)
    _measured_a_month_ago()
    _told_in_a_digest(old)
    _begun_by_dead_writers()
    _take_every_release(project, mount, alice)
    copy = _copied_by_roy(old)
    ada = Pc(secret, UploadToken.objects.get())
    _silent_since_an_hour(ada)
    _left_unfinished(ada)
    run = _sent(ada)
    return [
        ("uploads.tasks.verify_task", ()),
        ("delivery.tasks.copy_task", (copy,)),
        ("keeping.tasks.examine_task", (old.files.values_list("pk", flat=True)[0],)),
        ("sharing.tasks.lay_out_dataset_task", (str(old.pk),)),
        ("portal.tasks.send_due_mail_task", ()),
        ("sharing.tasks.lay_out_dataset_task", (str(run.pk),)),
    ]


def facts(outside: Path) -> Facts:
    """Nothing in it depends on when something was done, or in which order."""
    arrived = Counter(mail for mail, _ in mails_in(outside))
    return {
        "mails": _fates(arrived),
        "mails of which no row tells": len(set(arrived) - set(Notice.objects.values_list("message_id", flat=True))),
        "files": sorted(_file(file) for file in DataFile.objects.select_related("dataset__project")),
        "copies": sorted(_copy(copy) for copy in FileCopy.objects.select_related("file", "dataset__project")),
        "datasets": sorted(
            f"{d.title} {d.name[-9:]}: {d.state}, {d.file_count} files, {d.verified_count} verified, "
            f"{d.bytes_verified} bytes, {d.bytes_kept} kept, handed over: {bool(d.dispatched_at)}"
            for d in Dataset.objects.all()
        ),
        "links": sorted(
            f"{link.dataset.title} for {link.recipient}, end noted: {bool(link.expiry_noted_at)}"
            for link in ShareLink.objects.select_related("dataset")
        ),
        "pushes": sorted(
            f"{push.dataset.title}: {push.state}, {push.files_done} files" for push in Delivery.objects.all()
        ),
        "told": sorted(_told(outside)),
        "came back": flags_in(outside),
        "measured": sorted({str(day) for day in StorageDay.objects.values_list("project__code", "instrument__name")}),
        "disks": sorted({*DiskDay.objects.exclude(store="before").values_list("store", flat=True)}),
        "digests": sorted(f"{line.person} {line.dataset.title}: {line.said}" for line in DigestLine.objects.all()),
        "left by dead writers": [place.parent.parent.name for place in _arriving() if place.exists()],
        "uploads": sorted(Upload.objects.values_list("role", "state")),
        "audit": sorted(
            f"{count} × {kind} {dataset}"
            for (kind, dataset), count in Counter(AuditEvent.objects.values_list("kind", "dataset")).items()
        ),
    }


def _told(outside: Path) -> list[str]:
    """A message that was taken when its worker died comes again under its old name."""
    messages = {call["id"]: json.loads(call["body"]) for call in calls_in(outside)}
    return [f"{file['path']} {file['sha256'][:8]}" for told in messages.values() for file in told["data"]["files"]]


def _fates(arrived: Counter[str]) -> list[str]:
    fates = [(notice.kind, _fate(notice, arrived[notice.message_id])) for notice in Notice.objects.all()]
    once = {fate for kind, fate in fates if kind in DAILY}
    return sorted([*once, *(fate for kind, fate in fates if kind not in DAILY)])


def _fate(notice: Notice, arrived: int) -> str:
    """Uncertain is right for a mail that may have arrived, once: the staff see it."""
    state = notice.state
    if state == Notice.State.UNCERTAIN and arrived <= 1:
        state, arrived = Notice.State.SENT.value, 1
    return f"{notice.kind} to {notice.to}: {state}, arrived {arrived} times"


def _file(file: DataFile) -> str:
    there = ""
    if file.dataset.state == Dataset.State.PURGED:
        there = "there" if storage.store().path(storage.file_key(file.dataset, file)).exists() else "gone"
    elif file.state == DataFile.State.VERIFIED:
        with storage.open_verified(file.dataset, file.path) as stream:
            there = hashlib.sha256(stream.read()).hexdigest()
        assert there == file.sha256, f"{file.path} has other bytes than its sender's"
    return f"{file.dataset.title}, {file.path}: {file.state} {file.kept} {there[:8]}"


def _copy(copy: FileCopy) -> str:
    there = ""
    if copy.state == FileCopy.State.GOOD:
        with storage.store_named(copy.store).open(storage.file_key(copy.dataset, copy.file)) as stream:
            there = hashlib.sha256(stream.read()).hexdigest()
        assert there == copy.file.sha256, f"the copy of {copy.file.path} has other bytes"
    return f"{copy.dataset.title}, {copy.file.path}: {copy.state} in {copy.store} {there[:8]}"


def _handed_over_last_week(project: Project) -> Dataset:
    """With a link that wants a reminder, one whose end nobody has noted, and one that is used."""
    now = timezone.now()
    files = {"one.tif": b"1" * 5000, "two.tif": b"2" * 700}
    dataset = a_dataset(project, files, name="2026-11-12_last-week", dispatched_at=now)
    long_ago, soon = now - WEEK - HOUR, now + WEEK
    for recipient, starts, ends in ((RITA, long_ago, soon), (RUTH, long_ago, now - HOUR), (ROY, now - HOUR, soon)):
        ShareLink.objects.create(
            key_id=current_key_id(), dataset=dataset, recipient=recipient, occasion=uuid4().hex,
            starts_at=starts, expires_at=ends,
        )  # fmt: skip
    return dataset


def _kept_for_a_month() -> None:
    """Of three datasets one wants a warning, one is to be deleted, and the bytes of one are to go."""
    project = Project.objects.create(code="old", name="Old things", contact_email="old@facility.example")
    RetentionClass.objects.create(project=project, name="A month", days=30, is_default=True)
    now, long_ago = timezone.now(), timezone.now() - 10 * WEEK
    since: dict[str, Any] = {"released_at": long_ago, "closed_at": long_ago, "dispatched_at": long_ago}
    for name in ("to-warn", "to-delete", "to-purge"):
        dataset = a_dataset(project, {"a.tif": b"a" * 400, "b.tif": b"b" * 500}, name=f"2026-09-01_{name}", **since)
        if name == "to-delete":
            _told_of_its_deletion(Keeping.objects.create(dataset=dataset, warned_at=now - 3 * WEEK))
        if name == "to-purge":
            Keeping.objects.create(dataset=dataset, deleted_at=now - 3 * WEEK, deleted_by="x", purge_after=now - WEEK)
            Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.EXPIRED)


def _told_of_its_deletion(keeping: Keeping) -> None:
    contact = keeping.dataset.project.contact_email
    asked = AskedPerson.objects.create(keeping=keeping, email=contact, role="manager", key_id=current_key_id())
    Notice.objects.create(
        kind=WARNING, subject_id=asked.pk, slot="2026-11-01/14", to=contact, dataset=keeping.dataset, state="sent",
        message_id=f"<warning-{asked.pk}@portal.example>", sent_at=keeping.warned_at,
    )  # fmt: skip


def _came_back(dataset: Dataset, outside: Path) -> None:
    """A mail whose report waits in the mailbox, beside a letter that is none."""
    link = ShareLink.objects.get(dataset=dataset, recipient=RUTH)
    Notice.objects.create(
        kind="dataset-ready", subject_id=link.pk, slot="release", to=RUTH, dataset=dataset, state=Notice.State.SENT,
        message_id=bounce_samples.OUR_ID, sent_at=timezone.now(),
    )  # fmt: skip
    put_in_mailbox(outside, bounce_samples.POSTFIX, "Subject: Out of office\n\nBack on Monday.\n")


def _measured_a_month_ago() -> None:
    """By a portal that slept since; Sam waits for its report."""
    month_ago = timezone.now() - 4 * WEEK
    DiskDay.objects.create(day=month_ago.date(), store="before", measured_at=month_ago, used=1, total=2)
    User.objects.create_user(SAM, is_staff=True)


def _told_in_a_digest(dataset: Dataset) -> None:
    """Dora wants digests; what stood in one long ago may go."""
    dora, long_ago = User.objects.create_user(DORA), timezone.now() - KEPT_FOR - WEEK
    daily = {"role": Membership.Role.OPERATOR, "told_of_downloads": Membership.Told.DAILY}
    Membership.objects.create(project=dataset.project, user=dora, **daily)
    for number in range(3):
        DigestLine.objects.create(
            person=dora, day=long_ago.date(), dataset=dataset, kind="push-done", subject_id=f"gone-{number}",
            slot="ended", said="long ago", at=long_ago,
        )  # fmt: skip


def _arriving() -> list[Path]:
    roots = [storage.store_named(name).root for name in ("local", "archive")]  # type: ignore[attr-defined]
    return [root / ARRIVING / "begun-by-the-dead" for root in roots]


def _begun_by_dead_writers() -> None:
    long_ago = (timezone.now() - 2 * WEEK).timestamp()
    for place in _arriving():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"half of it")
        os.utime(place, (long_ago, long_ago))


def _take_every_release(project: Project, mount: Path, alice: User) -> None:
    mount.mkdir()
    Destination.objects.create(
        project=project, name="Disk", kind="mount", place="disk", options={"mount": str(mount), "folder": ""},
        locked=lock_away({}), created_by=alice, on_release=True, on_release_since=timezone.now(),
    )  # fmt: skip


def _copied_by_roy(dataset: Dataset) -> int:
    roy = User.objects.create_user(ROY)
    lab = Project.objects.create(code="lab", name="Roy's laboratory", contact_email="lab@university.example")
    Membership.objects.create(project=lab, user=roy, role=Membership.Role.MANAGER)
    link = dataset.share_links.get(recipient=ROY)
    return begin_copy(link=link, project=lab, title="His", actor=Actor.of_user(roy), now=timezone.now()).pk


def _silent_since_an_hour(ada: Pc) -> None:
    assert ada.post("/heartbeat", beat()).status_code == 200
    Agent.objects.update(last_heard_at=timezone.now() - HOUR, silent_from=timezone.now() - HOUR / 2)


def _left_unfinished(ada: Pc) -> None:
    dataset = ada.make_dataset(title="Unfinished")
    ada.patch(ada.start(1000, dataset=dataset, path="half.tif"), 0, b"x" * 400)
    Upload.objects.update(expires_at=timezone.now() - HOUR)


def _sent(ada: Pc) -> Dataset:
    """Closed: files that wait for verification, one of them a newer version, and a bundle."""
    run = ada.make_dataset(title="Run 7", recipients=[RITA, "robert@university.example"])
    ada.send(run, "again.tif", b"the first version")
    verify_waiting(clock=timezone.now)
    ada.send(run, "again.tif", b"the second version")
    for number in range(3):
        ada.send(run, f"folder/{number}.tif", bytes([number]) * 3000)
    assert send_bundle(ada, run, [Sample(f"many/{n}.tif", b"%d" % n * 50) for n in range(4)]).status_code == 201
    Dataset.objects.filter(pk=run.pk).update(operator_emails=[DORA, run.project.contact_email])
    assert ada.close(run).status_code == 200
    return run
