"""Operators hear of a push at the release as they wish; who asked for one hears of it in any case."""

from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import pytest
from django.utils import timezone

from delivery.models import Delivery
from delivery.services.push_end import note_done, note_failed
from delivery.services.push_turn import PushTurn
from portal.digests import DIGEST
from portal.mail_text import write_letter
from portal.models import Membership, Notice, Project, User
from tests.delivery.conftest import Register
from tests.sharing.conftest import MakeDataset

COMPARED = cast("PushTurn", SimpleNamespace(files=4, size=100, upto=0))  # its end looks at these figures alone


@pytest.fixture
def push(project: Project, register: Register, make_dataset: MakeDataset, bob: User) -> Delivery:
    """At the release; the next thing is that it ends."""
    destination = register(project, "webdav", {}, {})
    dataset = make_dataset(operator_emails=[bob.email, "list@facility.example"])
    return Delivery.objects.create(
        dataset=dataset, destination=destination, occasion="release", asked_by_label="x", claimed_by=uuid4().hex
    )


def told(kind: str) -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("to", flat=True))


@pytest.mark.parametrize(("wish", "kinds"), [("each", {"push-done"}), ("daily", {DIGEST}), ("never", set())])
def test_operators_hear_of_what_was_pushed_as_they_wish(push: Delivery, bob: User, wish: str, kinds: set[str]) -> None:
    Membership.objects.filter(user=bob).update(told_of_downloads=wish)
    note_done(push, push.claimed_by, COMPARED, timezone.now())
    assert set(Notice.objects.filter(to=bob.email).values_list("kind", flat=True)) == kinds
    assert told("push-done") - {bob.email} == {"list@facility.example"}
    digests = [write_letter(notice) for notice in Notice.objects.filter(kind=DIGEST)]
    text = " ".join("".join(letter.text for letter in digests if letter).split())
    assert (f"everything was pushed to “{push.destination.name}”" in text) == (wish == "daily")


def test_what_failed_and_what_somebody_asked_for_is_no_matter_of_wishes(push: Delivery, bob: User) -> None:
    Membership.objects.filter(user=bob).update(told_of_downloads="never")
    note_failed(push, push.claimed_by, "The server is full.", timezone.now())
    assert told("push-failed") == {bob.email, "list@facility.example"}
    asked = Delivery.objects.create(
        dataset=push.dataset, destination=push.destination, occasion="form", asked_by=bob, asked_by_label=bob.email,
        claimed_by=uuid4().hex,
    )  # fmt: skip
    note_done(asked, asked.claimed_by, COMPARED, timezone.now())
    assert told("push-done") == {bob.email}
