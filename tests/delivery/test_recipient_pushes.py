"""A recipient has the data sent to storage of her own: once, with access data that are gone afterwards."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from delivery.models import Delivery, Destination
from delivery.services import pushing
from delivery.services.push_begin import cancel_push
from delivery.services.pushing import push_next
from peers.servers import Server
from portal.actors import Actor
from portal.models import AuditEvent, Dataset, Notice, Project, User
from sharing.links import token_of
from sharing.models import ShareLink
from sharing.services.by_hand import revoke_link
from tests.conftest import Bells
from tests.delivery.conftest import taken_by
from tests.delivery.servers import PASSWORD, below, served, sftp_fields, webdav_fields
from tests.sharing.conftest import FILES

pytestmark = pytest.mark.usefixtures("loopback_allowed")


@pytest.fixture(autouse=True)
def allowed(project: Project) -> None:
    project.recipients_may_push = True
    project.save()


def address(link: ShareLink, kind: str = "webdav") -> str:
    return f"/s/{token_of(link)}/push/{kind}"


def ask(link: ShareLink, theirs: Server, **changed: str) -> Any:
    fields = webdav_fields(theirs)
    del fields["name"]
    return Client().post(address(link), fields | changed)


def test_rita_has_it_sent_and_her_password_is_deleted(
    dataset: Dataset, link: ShareLink, theirs: Server, bells: Bells
) -> None:
    assert "/push/s3" in Client().get(f"/s/{token_of(link)}").content.decode()
    assert ask(link, theirs).status_code == 302
    assert Destination.objects.get().locked
    assert ask(link, theirs).status_code == 422, "one at a time"
    bells.run()
    assert below(theirs.folder / "in" / dataset.name) == FILES
    delivery, destination = Delivery.objects.get(), Destination.objects.get()
    assert (delivery.state, delivery.reason) == ("done", "")
    assert (destination.locked, destination.options, destination.removed_at is None) == ("", {}, False)
    assert taken_by(link) == ("complete", ["complete"])
    assert link.taken_by == ["push"]
    page = Client().get(address(link)).content.decode()
    assert "4\u00a0of 4" in page or "4 of 4" in page
    assert PASSWORD not in page
    assert list(Notice.objects.filter(kind="push-done").values_list("to", flat=True)) == [link.recipient]
    kinds = AuditEvent.objects.exclude(kind="link_made").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["push_begun", "downloaded", "push_done"]


def test_her_destination_is_nobody_elses(link: ShareLink, theirs: Server, bob: User, sign_in: Any) -> None:
    ask(link, theirs)
    assert not Destination.objects.usable().exists()
    assert "Storage of" not in sign_in(bob).get("/projects/em/destinations/").content.decode()


def test_it_goes_to_an_sftp_server_whose_key_is_noted(link: ShareLink, dataset: Dataset, tmp_path: Path) -> None:
    with served("sftp", tmp_path / "theirs") as server:
        fields = sftp_fields(server)
        assert Client().post(address(link, "sftp"), fields).status_code == 302
        assert Destination.objects.get().options["host_keys"]
        assert push_next(clock=timezone.now)
    assert below(tmp_path / "theirs" / "in" / dataset.name) == FILES


def test_what_the_project_or_the_link_does_not_allow_is_refused(
    link: ShareLink, project: Project, theirs: Server
) -> None:
    assert Client().get(address(link, "mount")).status_code == 404
    assert Client().get(address(link, "rclone")).status_code == 404
    Project.objects.update(recipients_may_push=False)
    assert ask(link, theirs).status_code == 404
    Project.objects.update(recipients_may_push=True)
    ShareLink.objects.update(ways=["zip"])
    assert ask(link, theirs).status_code == 403
    assert not Delivery.objects.exists()


def test_hosts_that_only_the_house_reaches_are_refused_and_tries_are_slowed(
    link: ShareLink, theirs: Server, settings: Any
) -> None:
    settings.DESTINATION_HOSTS = []
    for host in ("10.0.0.1", "192.168.0.7", "127.0.0.1"):
        answer = ask(link, theirs, url=f"https://{host}/dav")
        assert "is not on the public network" in answer.content.decode()
    assert "Wait" in ask(link, theirs, url="https://10.0.0.2/").content.decode()
    cache.clear()
    assert not Destination.objects.exists()


def test_a_push_counts_as_a_download(link: ShareLink, theirs: Server, bells: Bells) -> None:
    ShareLink.objects.update(most_downloads=1)
    assert ask(link, theirs).status_code == 302
    bells.run()
    assert "download" in ask(link, theirs).content.decode()
    assert Delivery.objects.count() == 1


def test_a_link_that_is_revoked_ends_the_push_and_cancelling_deletes_the_password(
    link: ShareLink, theirs: Server, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(link, theirs)
    revoke_link(link=link, actor=Actor.of_user(bob), now=timezone.now())
    assert push_next(clock=timezone.now)
    assert Delivery.objects.get().reason == "The link was revoked before everything was pushed."
    assert not Destination.objects.get().locked
    assert below(theirs.folder) == {}


def test_a_member_cancels_it(link: ShareLink, theirs: Server, bob: User) -> None:
    ask(link, theirs)
    cancel_push(delivery=Delivery.objects.get(), actor=Actor.of_user(bob), now=timezone.now())
    assert not Destination.objects.get().locked
    assert not pushing.push_next(clock=timezone.now)
