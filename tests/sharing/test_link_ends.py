"""A link ends at its minute, when it is revoked, and with its owner's account: at every address below it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.actors import Actor
from portal.models import AuditEvent, Dataset, User
from sharing.models import Receipt, ShareLink
from sharing.services.by_hand import revoke_link
from sharing.services.expiry import note_expired_links
from tests.sharing.conftest import MakeLink, SetClock, Visitor

pytestmark = pytest.mark.django_db
BELOW = ["", "?folder=Grid%201", "?find=tif", "/{name}.zip", "/files/notes.txt", "/manifest-sha256.txt"]


def answers(visitor: Visitor) -> set[int]:
    """The statuses of every address below the link, by GET, HEAD and a range."""
    statuses = set()
    for below in BELOW:
        address = visitor.address + below.format(name=visitor.name)
        statuses |= {
            visitor.client.get(address).status_code,
            visitor.client.head(address).status_code,
            visitor.client.get(address, headers={"range": "bytes=5-9"}).status_code,
        }
    return statuses


def test_every_address_answers_while_the_link_is_open(rita_s: Visitor) -> None:
    assert answers(rita_s) == {200, 206}


def test_a_link_stops_at_its_minute(rita_s: Visitor, set_clock: SetClock) -> None:
    end = rita_s.link.expires_at
    set_clock(end - timedelta(milliseconds=1))
    assert answers(rita_s) == {200, 206}
    set_clock(end)
    assert answers(rita_s) == {410}


def test_a_link_starts_at_its_minute(rita_s: Visitor, set_clock: SetClock) -> None:
    set_clock(rita_s.link.starts_at - timedelta(milliseconds=1))
    assert answers(rita_s) == {409}
    set_clock(rita_s.link.starts_at)
    assert answers(rita_s) == {200, 206}


def test_revoking_holds_at_the_next_request(rita_s: Visitor, alice: User) -> None:
    assert answers(rita_s) == {200, 206}
    revoke_link(link=rita_s.link, actor=Actor.of_user(alice), now=timezone.now())
    assert answers(rita_s) == {410}


def test_the_links_of_a_disabled_account_stop_and_come_back_with_it(
    dataset: Dataset, make_link: MakeLink, bob: User
) -> None:
    visitor = Visitor(make_link(dataset, owner=bob, label=bob.email))
    assert answers(visitor) == {200, 206}
    bob.is_active = False
    bob.save()
    assert answers(visitor) == {410}
    bob.is_active = True
    bob.save()
    assert answers(visitor) == {200, 206}


@pytest.mark.parametrize("state", [Dataset.State.EXPIRED, Dataset.State.PURGED])
def test_links_end_with_the_data(rita_s: Visitor, state: Dataset.State) -> None:
    Dataset.objects.filter(pk=rita_s.link.dataset_id).update(state=state)
    assert answers(rita_s) == {410}


def test_an_unknown_link_is_404_everywhere(rita_s: Visitor) -> None:
    rita_s.link.public_id = "A" * 22
    assert answers(rita_s) == {404}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_links_can_only_be_read(rita_s: Visitor, method: str) -> None:
    for below in BELOW:
        call: Callable[[str], object] = getattr(rita_s.client, method)
        assert call(rita_s.address + below.format(name=rita_s.name)).status_code == 405  # type: ignore[attr-defined]


def test_nothing_is_recorded_once_a_link_has_ended(rita_s: Visitor, set_clock: SetClock) -> None:
    set_clock(rita_s.link.expires_at)
    rita_s.get()
    rita_s.get_zip()
    assert rita_s.state() == ShareLink.State.NOT_OPENED
    assert not Receipt.objects.exists()
    assert not AuditEvent.objects.filter(kind="downloaded").exists()


def test_the_page_of_an_expired_link_says_until_when_and_whom_to_ask(rita_s: Visitor, set_clock: SetClock) -> None:
    set_clock(rita_s.link.expires_at)
    page = rita_s.get()
    text = page.body.decode()
    assert "This link has ended" in text
    assert f"{rita_s.link.expires_at:%A %-d %B %Y}" in text
    assert "mailto:em@facility.example" in text
    assert "Lysozyme, grid 1" in text
    assert page["Cache-Control"] == "private, no-store"


def test_the_page_of_a_revoked_link_says_so(rita_s: Visitor, alice: User) -> None:
    revoke_link(link=rita_s.link, actor=Actor.of_user(alice), now=timezone.now())
    text = rita_s.get().body.decode()
    assert "This link was taken back" in text
    assert "alice" not in text
    assert "mailto:em@facility.example" in text


def test_the_page_of_an_unknown_link_tells_nothing_about_data(rita_s: Visitor) -> None:
    rita_s.link.public_id = "A" * 22
    text = rita_s.get().body.decode()
    assert "Check that the address was copied whole" in text
    assert "Lysozyme" not in text


def test_revoking_twice_is_once(link: ShareLink, alice: User) -> None:
    now, actor = timezone.now(), Actor.of_user(alice)
    assert revoke_link(link=link, actor=actor, now=now)
    assert not revoke_link(link=link, actor=actor, now=now + timedelta(hours=1))
    link.refresh_from_db()
    assert (link.revoked_at, link.revoked_by) == (now, alice.email)
    assert AuditEvent.objects.filter(kind="link_revoked", subject=link.recipient, actor=alice.email).count() == 1


def test_the_end_of_a_link_is_told_once_to_the_audit(dataset: Dataset, make_link: MakeLink, alice: User) -> None:
    links = [make_link(dataset, f"r{number}@university.example") for number in range(5)]
    revoke_link(link=links[0], actor=Actor.of_user(alice), now=timezone.now())
    end = links[-1].expires_at
    assert note_expired_links(now=links[1].expires_at - timedelta(seconds=1)) == 0
    assert note_expired_links(now=end, dry_run=True) == 4
    assert note_expired_links(now=end) == 4
    assert note_expired_links(now=end) == 0
    assert AuditEvent.objects.filter(kind="link_expired").count() == 4


def test_the_database_refuses_a_link_that_ends_before_it_starts(dataset: Dataset, make_link: MakeLink) -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError, match="link_expires_after_it_starts"), transaction.atomic():
        make_link(dataset, starts_at=now, expires_at=now)
