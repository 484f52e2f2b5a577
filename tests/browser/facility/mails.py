"""One mail of each kind with the facility's data, as JSON: ``{kind: {"subject", "text", "html"}}``. Of those that say
different things to different people, one for each of them.

Most stand in its outbox. For the others a row is made that is there only until the mail is written.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from delivery.models import DatasetCopy, Delivery, Hook  # noqa: E402
from keeping.models import AskedPerson, Keeping  # noqa: E402
from portal.disks import disks  # noqa: E402
from portal.mail_text import Letter, write_letter  # noqa: E402
from portal.models import DataFile, Dataset, DigestLine, DiskDay, Membership, Notice, Project, User  # noqa: E402
from reminders.models import ReminderPolicy  # noqa: E402
from sharing.models import RenewalRequest, ShareLink  # noqa: E402
from uploads.models import Drop, DropLink  # noqa: E402

NOW = timezone.now()
FROM_A_BROWSER = {"address": "192.0.2.44", "program": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"}
WARNING = "deletion-warning"
LARGE = SimpleNamespace(used=7_300_000_000_000, free=4_700_000_000_000, total=12_000_000_000_000)


def main() -> None:
    with transaction.atomic():
        _enlarge_disks()
        with patch("shutil.disk_usage", return_value=LARGE):
            letters = {kind: asdict(_letter(kind)) for kind in settings.MAILS if kind != WARNING}
        letters |= {f"{WARNING}-{role}": asdict(_warning_to(role)) for role in AskedPerson.Role.values}
        transaction.set_rollback(True)
    told = {kind: {part: letter[part] for part in ("subject", "text", "html")} for kind, letter in letters.items()}
    sys.stdout.write(json.dumps(told))


def _letter(kind: str) -> Letter:
    """The newest of the outbox that has a text."""
    for notice in _candidates(kind):
        notice.state, notice.tried_at = Notice.State.SENT, notice.tried_at or NOW
        letter = write_letter(notice)
        if letter:
            return letter
    sys.exit(f"No mail of the kind {kind!r}: make one in tests/browser/facility/mails.py.")


def _warning_to(role: str) -> Letter:
    AskedPerson.objects.update(role=role)
    return _letter(WARNING)


def _enlarge_disks() -> None:
    """They had room for the facility's terabytes on each day, whatever this machine has."""
    today = {disk.store: disk.used for disk in disks()}
    rows = list(DiskDay.objects.filter(store__in=today))
    for row in rows:
        row.used, row.total = round(row.used / today[row.store] * LARGE.used), LARGE.total
    DiskDay.objects.bulk_update(rows, ["used", "total"], batch_size=100)


def _candidates(kind: str) -> Iterator[Notice]:
    yield from Notice.objects.filter(kind=kind).select_related("dataset__project").order_by("-pk")[:20]
    if kind in MADE:
        yield MADE[kind](kind)


def _about(kind: str, subject: object, *, to: str = "", slot: str = "", **columns: object) -> Notice:
    return Notice(kind=kind, subject_id=str(subject), to=to, slot=slot, **columns)


def _of_link(kind: str) -> Notice:
    return _about(kind, _a_link().pk)


def _of_a_drop(kind: str) -> Notice:
    dataset = Drop.objects.order_by("pk")[0].dataset
    files, size = 24, 61_400_000_000
    Dataset.objects.filter(pk=dataset.pk).update(
        file_count=files, verified_count=files, bytes_expected=size, bytes_verified=size
    )
    return _about(kind, 1, dataset=dataset)


def _of_a_renewal(kind: str) -> Notice:
    link, words = _a_link(), "The beamtime is over and its disks are needed. We can send you a disk by post."
    asked, _ = RenewalRequest.objects.update_or_create(
        link=link, ended_at=link.expires_at, defaults={"asked_at": NOW, "asked_by": link.recipient, "words": words}
    )
    return _about(kind, asked.pk, to=_manager().email)


def _of_a_push(kind: str) -> Notice:
    delivery = Delivery.objects.order_by("pk").first()
    assert delivery
    Delivery.objects.filter(pk=delivery.pk).update(
        reason="The destination does not answer: connection refused.", ended_at=NOW
    )
    return _about(kind, delivery.pk)


def _of_a_copy(kind: str) -> Notice:
    link, why = _a_link(), "The quota of the project is used up."
    copy = DatasetCopy.objects.create(
        source=link.dataset, revision=1, link=link, target_name=link.dataset.name, asked_by=_manager(), state="failed",
        reason=why, ended_at=NOW,
    )  # fmt: skip
    return _about(kind, copy.pk)


def _of_damage(kind: str) -> Notice:
    dataset = _a_link().dataset
    paths = list(DataFile.objects.filter(dataset=dataset).values_list("path", flat=True)[:3])
    files = [{"path": path, "reason": "The bytes read back are not those that were verified."} for path in paths]
    return _about(kind, dataset.pk, dataset=dataset, context={"files": files, "count": 5, "store": "the local folder"})


def _of_a_deletion(kind: str) -> Notice:
    keeping, _ = Keeping.objects.get_or_create(dataset=_a_link().dataset)
    said = {"by": "the portal", "by_hand": False, "reason": "kept as “three months” says", "role": "manager"}
    until = (NOW + timedelta(days=14)).isoformat()
    return _about(kind, keeping.pk, dataset=keeping.dataset, context={**said, "until": until})


def _of_a_day_of_reminders(kind: str) -> Notice:
    reminder = Notice.objects.filter(kind="reminder").select_related("dataset__project").latest("pk")
    assert reminder.dataset
    project = reminder.dataset.project
    ReminderPolicy.objects.update_or_create(project=project, defaults={"copies_to": "project", "copies_daily": True})
    day = reminder.created_at.astimezone(project.zone).date().isoformat()
    return _about(kind, project.pk, to=project.contact_email, slot=day)


def _of_a_day_of_downloads(kind: str) -> Notice:
    person, links = _manager(), ShareLink.objects.select_related("dataset")[:3]
    day = NOW.date() - timedelta(days=1)
    for number, link in enumerate(links):
        DigestLine.objects.create(
            person=person, day=day, dataset=_a_link().dataset, kind="download-complete", subject_id=str(link.pk),
            slot=str(number), said=f"{link.recipient} has downloaded everything", at=NOW,
        )  # fmt: skip
    return _about(kind, person.pk, slot=day.isoformat())


MADE: dict[str, Callable[[str], Notice]] = {
    "download-complete": lambda kind: _about(kind, _a_link().pk, to=_manager().email, dataset=_a_link().dataset),
    "not-theirs": _of_link,
    "more-time-asked": _of_a_renewal,
    "more-time-given": _of_link,
    "more-time-refused": _of_a_renewal,
    "push-done": _of_a_push,
    "push-failed": _of_a_push,
    "copy-failed": _of_a_copy,
    "stored-damaged": _of_damage,
    "dataset-deleted": _of_a_deletion,
    "reminder-digest": _of_a_day_of_reminders,
    "downloads-digest": _of_a_day_of_downloads,
    "drop-link": lambda kind: _about(kind, DropLink.objects.order_by("pk")[0].pk),
    "drop-received": _of_a_drop,
    "hook-stopped": lambda kind: _about(kind, Hook.objects.filter(state=Hook.State.STOPPED)[0].pk),
    "storage-report": lambda kind: _about(kind, "weekly", to=User.objects.filter(is_staff=True)[0].email),
    "password-reset": lambda kind: _about(kind, _manager().pk),
    "password-changed": lambda kind: _about(kind, _manager().pk, created_at=NOW, context=FROM_A_BROWSER),
    "no-account": lambda kind: _about(kind, 1, to="mira.lang@university.example"),
    "mails-held": lambda kind: _about(kind, Project.objects.order_by("pk")[0].pk),
}


def _a_link() -> ShareLink:
    """Of the dataset in the pictures."""
    return ShareLink.objects.filter(dataset__title__startswith="Nuclear pore complex").order_by("pk")[0]


def _manager() -> User:
    return Membership.objects.filter(project=_a_link().dataset.project, role=Membership.Role.MANAGER)[0].user


if __name__ == "__main__":
    main()
