"""Datasets are pushed to real SFTP, WebDAV and S3 servers, compared there, and told of."""

import subprocess
import sys
from copy import copy
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from django.utils import timezone

from delivery.models import Delivery, Destination
from delivery.services import push_turn
from delivery.services.destinations import remove_destination
from delivery.services.push_begin import begin_push, cancel_push, push_released
from delivery.services.pushing import push_next
from delivery.services.turns import LEASE, TurnLost
from peers.servers import Server
from portal.actors import Actor
from portal.errors import Conflict
from portal.models import AuditEvent, Dataset, Notice, Project, User
from portal.storage import dataset_key, store_of
from portal.stores.declared import S3Settings
from portal.stores.s3 import S3Store
from tests.conftest import Bells, SignIn
from tests.delivery.conftest import Register
from tests.delivery.servers import PASSWORD, USER, below, served, webdav_options
from tests.object_store import ACCESS, SECRET, bucket_settings
from tests.sharing.conftest import FILES, MakeDataset
from tests.sharing.handover import until

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def push(dataset: Dataset, destination: Destination, who: User) -> Delivery:
    return begin_push(dataset=dataset, destination=destination, occasion=uuid4().hex, actor=Actor.of_user(who))


def test_bob_pushes_a_dataset_by_hand(
    dataset: Dataset, webdav: Destination, theirs: Server, bob: User, sign_in: SignIn, bells: Bells
) -> None:
    client, occasion = sign_in(bob), str(uuid4())
    fields = {"destination": str(webdav.pk), "occasion": occasion}
    assert client.post(f"/datasets/{dataset.pk}/push", fields).status_code == 302
    assert client.post(f"/datasets/{dataset.pk}/push", fields).status_code == 422
    bells.run()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.files_done, delivery.reason) == ("done", 4, "")
    assert below(theirs.folder / "in" / dataset.name) == FILES
    assert Notice.objects.filter(kind="push-done", to=bob.email).count() == 1
    assert list(AuditEvent.objects.filter(kind__startswith="push").order_by("id").values_list("kind", flat=True)) == [
        "push_begun",
        "push_done",
    ]
    page = client.get(f"/datasets/{dataset.pk}/").content.decode()
    assert "every file was compared" in page
    assert PASSWORD not in page


def test_it_arrives_on_an_sftp_server(
    dataset: Dataset, project: Project, bob: User, register: Register, tmp_path: Path
) -> None:
    with served("sftp", tmp_path / "sftp") as server:
        port = server.url.rpartition(":")[2]
        options = {"host": "127.0.0.1", "port": port, "user": USER, "folder": "in", "host_keys": ""}
        sftp = register(project, "sftp", options, {"password": PASSWORD, "private_key": ""})
        delivery = push(dataset, sftp, bob)
        assert push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("done", "")
    assert below(tmp_path / "sftp" / "in" / dataset.name) == FILES


@pytest.mark.parametrize("read_back", [False, True])
def test_it_arrives_in_a_bucket(
    read_back: bool, dataset: Dataset, project: Project, bob: User, register: Register, s3_server: S3Settings
) -> None:
    said = bucket_settings(s3_server.endpoint)
    options = {"endpoint": said.endpoint, "region": "us-east-1", "bucket": "data", "access_key": ACCESS}
    options["folder"] = said.prefix + "in"
    bucket = register(project, "s3", options, {"secret_key": SECRET}, read_back=read_back)
    delivery = push(dataset, bucket, bob)
    assert push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("done", "")
    store = S3Store("theirs", said)
    assert {path: store.open(f"in/{dataset.name}/{path}").read() for path in FILES} == FILES


def test_it_goes_from_a_bucket_to_a_server(
    objects: str, make_dataset: MakeDataset, webdav: Destination, theirs: Server, bob: User
) -> None:
    dataset = make_dataset(store=objects)
    for path, data in FILES.items():
        store_of(dataset).put(f"{dataset_key(dataset)}/{path}", BytesIO(data), len(data))
    delivery = push(dataset, webdav, bob)
    assert push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("done", "")
    assert below(theirs.folder / "in" / dataset.name) == FILES


def test_other_bytes_at_the_destination_are_found_and_replaced(
    dataset: Dataset, webdav: Destination, theirs: Server, bob: User
) -> None:
    """As long as the file there, so that only reading it tells."""
    there = theirs.folder / "in" / dataset.name
    there.mkdir(parents=True)
    (there / "notes.txt").write_bytes(b"taken on Sunday\n")
    delivery = push(dataset, webdav, bob)
    push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    assert delivery.reason
    push_next(clock=lambda: timezone.now() + timedelta(minutes=5))
    delivery.refresh_from_db()
    assert (delivery.state, below(there)) == ("done", FILES)


def test_what_is_down_is_tried_again_and_given_up_in_the_end(
    dataset: Dataset, project: Project, register: Register, bob: User
) -> None:
    down = register(project, "webdav", {"url": "http://127.0.0.1:9", "vendor": "other", "user": USER, "folder": ""},
                    {"password": PASSWORD})  # fmt: skip
    delivery, now = push(dataset, down, bob), timezone.now()
    waits = []
    for _ in range(12):
        assert push_next(clock=partial(copy, now))
        delivery.refresh_from_db()
        if delivery.ended_at:
            break
        assert delivery.not_before is not None
        waits.append(round((delivery.not_before - now) / timedelta(minutes=1)))
        assert not push_next(clock=partial(copy, now))
        now = delivery.not_before
    assert waits[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert delivery.state == "failed"
    assert "refused" in delivery.reason
    assert PASSWORD not in delivery.reason
    assert Notice.objects.filter(kind="push-failed", to=bob.email).count() == 1


def test_releases_are_pushed_also_when_the_bell_was_lost(
    make_dataset: MakeDataset, webdav: Destination, theirs: Server, bells: Bells
) -> None:
    before = make_dataset()
    Destination.objects.update(on_release=True, on_release_since=timezone.now())
    after = make_dataset()
    assert push_released() == 1
    assert push_released() == 0
    bells.run()
    assert Delivery.objects.get().dataset == after
    assert not (theirs.folder / "in" / before.name).exists()
    assert below(theirs.folder / "in" / after.name) == FILES
    assert Notice.objects.filter(kind="push-done", to="em-staff@facility.example").count() == 1


def test_a_push_is_cancelled_while_it_runs(
    dataset: Dataset, webdav: Destination, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = push(dataset, webdav, bob)

    def first_figures(*_: str, tell: Any, **__: Any) -> None:
        cancel_push(delivery=delivery, actor=Actor.of_user(bob), now=timezone.now())
        tell({"bytes": 1, "transfers": 1})
        raise AssertionError("it went on")

    monkeypatch.setattr(push_turn, "watch", first_figures)
    assert push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("cancelled", f"Cancelled by {bob.email}.")
    assert not push_next(clock=timezone.now)


def test_projects_take_turns(
    make_dataset: MakeDataset, lab: Project, webdav: Destination, theirs: Server, register: Register, bob: User
) -> None:
    """Three datasets of one project wait, then one of another: the other's is second."""
    its = register(lab, "webdav", webdav_options(theirs), {"password": PASSWORD})
    first, second, third = (push(make_dataset(), webdav, bob) for _ in range(3))
    other = make_dataset()
    Dataset.objects.filter(pk=other.pk).update(project=lab)
    foreign = push(other, its, bob)
    order: list[int] = []
    for _ in range(4):
        before = set(Delivery.objects.filter(last_turn_at__isnull=True).values_list("pk", flat=True))
        assert push_next(clock=timezone.now)
        order += before - set(Delivery.objects.filter(last_turn_at__isnull=True).values_list("pk", flat=True))
    assert order == [first.pk, foreign.pk, second.pk, third.pk]


def test_one_worker_is_left_for_other_work(
    make_dataset: MakeDataset, webdav: Destination, bob: User, settings: Any
) -> None:
    settings.CELERY_WORKER_CONCURRENCY = 2
    now = timezone.now()
    one, _ = push(make_dataset(), webdav, bob), push(make_dataset(), webdav, bob)
    Delivery.objects.filter(pk=one.pk).update(leased_until=now + LEASE, claimed_by="somebody")
    assert not push_next(clock=lambda: now)


def test_whoever_lost_the_lease_says_nothing(
    dataset: Dataset, webdav: Destination, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = push(dataset, webdav, bob)

    def lose(*_: str, tell: Any, **__: Any) -> None:
        Delivery.objects.update(claimed_by="another")
        with pytest.raises(TurnLost):
            tell({"bytes": 1})
        raise TurnLost

    monkeypatch.setattr(push_turn, "watch", lose)
    assert push_next(clock=timezone.now)
    delivery.refresh_from_db()
    assert (delivery.claimed_by, delivery.ended_at) == ("another", None)


def test_an_unreleased_dataset_is_not_pushed(make_dataset: MakeDataset, webdav: Destination, bob: User) -> None:
    with pytest.raises(Conflict, match="from its release"):
        push(make_dataset(state="closed", released_at=None), webdav, bob)


def test_removing_a_destination_ends_pushes_to_it(dataset: Dataset, webdav: Destination, bob: User) -> None:
    delivery = push(dataset, webdav, bob)
    remove_destination(destination=webdav, actor=Actor.of_user(bob), now=timezone.now())
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"
    assert not push_next(clock=timezone.now)


SLOW_COPY = """
import sys
from delivery.rclone import Remote, watch
local = Remote({"type": "local"})
watch("copy", "a:" + sys.argv[1], "b:" + sys.argv[2], "--bwlimit", "100k",
      remotes={"a": local, "b": local}, tell=lambda stats: None)
"""


def test_rclone_ends_with_the_worker_that_started_it(tmp_path: Path) -> None:
    """The worker is killed, so it can tell nobody."""
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "large").write_bytes(bytes(30_000_000))
    worker = subprocess.Popen([sys.executable, "-c", SLOW_COPY, str(tmp_path / "from"), str(tmp_path / "to")])
    try:
        until(lambda: psutil.Process(worker.pid).children())
        rclone = psutil.Process(worker.pid).children()[0]
        until(lambda: rclone.name() == "rclone")
    finally:
        worker.kill()
        worker.wait()
    until(lambda: not rclone.is_running() or rclone.status() == psutil.STATUS_ZOMBIE)
