"""Files are pushed while a dataset is still open: each once it is verified, all compared in the end."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.models import Delivery, Destination, FileToPush
from delivery.rclone import watch
from delivery.services import push_turn
from delivery.services.push_begin import begin_live_push, cancel_push
from delivery.services.pushing import push_next
from delivery.services.turns import LEASE
from peers.servers import Server
from portal.actors import Actor
from portal.models import AuditEvent, Dataset, Notice, Project, User
from tests.bundle_samples import Sample
from tests.conftest import Bells, SignIn
from tests.delivery.servers import below
from tests.uploads import conftest as uploads
from tests.uploads.test_bundles import send_bundle

pytestmark = pytest.mark.usefixtures("loopback_allowed")
make_pc, ada, arriving = uploads.make_pc, uploads.ada, uploads.dataset


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What rclone was asked to do, one word each."""
    asked: list[str] = []

    def note(*arguments: str, **given: Any) -> None:
        asked.append(arguments[0])
        watch(*arguments, **given)

    monkeypatch.setattr(push_turn, "watch", note)
    return asked


@pytest.fixture
def follow(dataset: Dataset, webdav: Destination, bob: User) -> Callable[[], Delivery]:
    def begin() -> Delivery:
        who, now = Actor.of_user(bob), timezone.now()
        return begin_live_push(dataset=dataset, destination=webdav, occasion="hand:1", actor=who, now=now, idle_hours=2)

    return begin


@pytest.fixture
def dataset(arriving: Dataset) -> Dataset:
    return arriving


def test_files_are_there_as_soon_as_they_are_verified(
    ada: Any, dataset: Dataset, webdav: Destination, theirs: Server, bob: User, sign_in: SignIn, bells: Bells,
    copies: list[str],
) -> None:  # fmt: skip
    there, client = theirs.folder / "in" / dataset.name, sign_in(bob)
    ada.send(dataset, "first.dat", b"before anybody asked")
    bells.run()
    page = client.get(f"/datasets/{dataset.pk}/push").content.decode()
    assert "Push while it arrives" in page
    occasion = page.split('name="occasion" value="')[1][:36]
    fields = {"destination": str(webdav.pk), "occasion": occasion, "idle_hours": "5"}
    assert client.post(f"/datasets/{dataset.pk}/push", fields).status_code == 302
    bells.run()
    assert below(there) == {"first.dat": b"before anybody asked"}
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.idle_hours, delivery.files_done) == ("following", 5, 1)

    copies.clear()
    for number in range(12):
        ada.send(dataset, f"run 1/{number}.dat", b"%d" % number)
    send_bundle(ada, dataset, [Sample("run 2/a.tif", b"0123"), Sample("run 2/b.tif", b"")])
    bells.run()
    assert len(below(there)) == 15
    assert len(copies) < 4, "many small files travel together"
    assert not FileToPush.objects.exists()
    assert "until the release or 5\u00a0hours" in client.get(f"/datasets/{dataset.pk}/").content.decode()

    ada.send(dataset, "first.dat", b"another version")
    bells.run()
    assert below(there)["first.dat"] == b"another version"
    assert "checksum" not in copies
    assert ada.close(dataset).status_code == 200
    bells.run()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.files_done, delivery.reason) == ("done", 15, "")
    assert "checksum" in copies
    assert Notice.objects.filter(kind="push-done", to=bob.email).count() == 1
    kinds = AuditEvent.objects.filter(kind__startswith="push").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["push_begun", "push_done"]


def test_a_destination_takes_every_dataset_while_it_arrives(
    ada: Any, dataset: Dataset, webdav: Destination, theirs: Server, bells: Bells
) -> None:
    Destination.objects.update(on_release=True, on_release_since=timezone.now(), live=True)
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    assert below(theirs.folder / "in" / dataset.name) == {"a.dat": b"a"}
    ada.send(dataset, "b.dat", b"b")
    ada.close(dataset)
    bells.run()
    assert [(row.state, row.occasion, row.files_done) for row in Delivery.objects.all()] == [("done", "live", 2)]
    assert Notice.objects.filter(kind="push-done").count() == 1


def test_what_a_killed_worker_left_is_sent_by_the_next(
    ada: Any, dataset: Dataset, theirs: Server, follow: Callable[[], Delivery], bells: Bells,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    delivery = follow()
    ada.send(dataset, "a.dat", os.urandom(1000))
    bells.run()

    def killed(*_: str, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(push_turn, "watch", killed)
    ada.send(dataset, "b.dat", b"b")
    with pytest.raises(KeyboardInterrupt):
        bells.run()
    monkeypatch.setattr(push_turn, "watch", watch)
    ada.send(dataset, "c.dat", b"c")
    bells.run()
    assert list(below(theirs.folder / "in" / dataset.name)) == ["a.dat"], "the dead one holds it still"
    assert push_next(clock=lambda: timezone.now() + LEASE)
    delivery.refresh_from_db()
    assert sorted(below(theirs.folder / "in" / dataset.name)) == ["a.dat", "b.dat", "c.dat"]
    assert (delivery.state, delivery.files_done) == ("following", 3)


def test_it_ends_when_nothing_came_for_too_long(
    ada: Any, dataset: Dataset, follow: Callable[[], Delivery], bells: Bells, bob: User
) -> None:
    delivery = follow()
    ada.send(dataset, "a.dat", b"a")
    bells.run()
    assert not push_next(clock=lambda: timezone.now() + timedelta(minutes=90))
    assert push_next(clock=lambda: timezone.now() + timedelta(minutes=125))
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == ("done", "Ended after 2\u00a0hours without a new file.")
    ada.send(dataset, "late.dat", b"late")
    bells.run()
    assert not FileToPush.objects.exists()


def test_a_file_that_comes_during_the_last_comparison_is_not_forgotten(
    ada: Any, dataset: Dataset, theirs: Server, follow: Callable[[], Delivery], bells: Bells,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    delivery = follow()
    ada.send(dataset, "a.dat", b"a")
    bells.run()

    def meanwhile(*arguments: str, **given: Any) -> None:
        watch(*arguments, **given)
        if arguments[0] == "checksum":
            ada.send(dataset, "b.dat", b"b")
            monkeypatch.setattr(push_turn, "watch", watch)
            bells.run()

    monkeypatch.setattr(push_turn, "watch", meanwhile)
    assert push_next(clock=lambda: timezone.now() + timedelta(hours=3))
    delivery.refresh_from_db()
    assert delivery.state == "following"
    assert push_next(clock=timezone.now)
    assert sorted(below(theirs.folder / "in" / dataset.name)) == ["a.dat", "b.dat"]


def test_cancelling_a_live_push_ends_it_for_good(
    ada: Any, dataset: Dataset, webdav: Destination, theirs: Server, follow: Callable[[], Delivery], bells: Bells,
    bob: User, project: Project,
) -> None:  # fmt: skip
    Destination.objects.update(on_release=True, on_release_since=timezone.now(), live=True)
    cancel_push(delivery=follow(), actor=Actor.of_user(bob), now=timezone.now())
    ada.send(dataset, "a.dat", b"a")
    ada.close(dataset)
    bells.run()
    assert Delivery.objects.get().state == "cancelled"
    assert below(theirs.folder) == {}
