"""Storage and programs elsewhere: destinations, what was pushed there, and hooks. Nothing of it is really called."""

from datetime import datetime, timedelta

from django.utils import timezone

from delivery.models import Delivery, Destination, Hook, HookMessage
from delivery.signatures import new_secret
from delivery.vault import lock_away
from portal.models import Dataset, Project, User
from sharing.models import ShareLink
from sharing.services.by_hand import ShareWish, share_by_hand
from tests.browser.facility.arrivals import dataset_of
from tests.browser.facility.handing_over import link_of
from tests.browser.facility.people import House
from tests.browser.facility.story import Highlights

GROWING = "a.keller@university.example"
_CLOUD = "https://cloud.university.example/remote.php/dav/files/cryo"


def put_elsewhere(house: House, highlights: Highlights) -> None:
    now, alice = timezone.now(), house.people["alice"]
    shared, receiving = dataset_of(highlights.shared), dataset_of(highlights.receiving)
    archive = _destination("Archive of the group", "webdav", _CLOUD, shared, alice, now)
    bucket = _destination("Processing", "s3", "cryo-em/incoming at s3.biocentre.example", shared, alice, now)
    _pushed(shared, archive, alice, now, state="done", ended_at=now - timedelta(hours=40), files_done=shared.file_count)
    why = "Failed to copy: AccessDenied: the bucket does not exist, or the key may not write there."
    _pushed(shared, bucket, alice, now, state="failed", ended_at=now - timedelta(hours=3), reason=why, files_done=212)
    tomorrow = now + timedelta(days=1)
    _pushed(receiving, bucket, alice, now, state="following", live=True, idle_at=tomorrow, files_done=1180,
            not_before=tomorrow)  # fmt: skip
    _hooks(shared, alice, now)
    Project.objects.filter(pk=shared.project_id).update(recipients_may_push=True)
    wish = ShareWish([GROWING], now + timedelta(days=30), "while it arrives")
    share_by_hand(dataset=receiving, wish=wish, actor=house.actor("alice"), now=now)


def growing_link(highlights: Highlights) -> ShareLink:
    return link_of(highlights.receiving, GROWING)


def _destination(name: str, kind: str, place: str, of: Dataset, who: User, now: datetime) -> Destination:
    made = {"project": of.project, "created_by": who, "tested_at": now - timedelta(days=20)}
    return Destination.objects.create(name=name, kind=kind, place=place, locked=lock_away({}), **made)


def _pushed(dataset: Dataset, to: Destination, who: User, now: datetime, *, state: str, **fields: object) -> None:
    whole = dataset.file_count if state == "done" else dataset.verified_count
    size = dataset.bytes_verified
    counts = {"files_total": whole, "bytes_total": size, "bytes_done": size if state == "done" else size // 2}
    Delivery.objects.create(
        dataset=dataset, destination=to, occasion=f"hand:{state}", asked_by=who, asked_by_label=who.email, state=state,
        caught_up=True, last_turn_at=now, **counts, **fields,
    )  # fmt: skip


def _hooks(dataset: Dataset, who: User, now: datetime) -> None:
    of = {"project": dataset.project, "created_by": who, "not_before": now + timedelta(days=1)}
    locked = lock_away({"secret": new_secret()})
    hook = Hook.objects.create(url="https://processing.biocentre.example/arrived", locked=locked, **of)
    stopped = Hook.objects.create(
        url="https://old-cluster.biocentre.example:8443/cgi-bin/new-data?site=labcourier&group=cryo-em",
        locked=locked, state="stopped", reason="It answered 502.", failing_since=now - timedelta(days=6), **of,
    )  # fmt: skip
    for number, (to, status, answer) in enumerate(
        [(hook, 200, "ok"), (hook, 204, ""), (hook, 200, "ok"), (stopped, 502, "<html><h1>502 Bad Gateway</h1></html>")]
    ):
        HookMessage.objects.create(
            hook=to, dataset=dataset if number else None, name=f"msg_{number}", files=[0, 500, 131, 500][number],
            tries=1 if status < 300 else 84, tried_at=now - timedelta(minutes=9 * number), status=status, answer=answer,
            took_ms=38 + 211 * number, taken_at=now if status < 300 else None,
        )  # fmt: skip
