"""After a deletion those who decide are told once: by whom and why, and until when it can be restored."""

from typing import Any

import pytest
from django.core import mail

from keeping.services.deleting import delete_by_hand, restore
from keeping.services.keepings import assign_keeping
from keeping.services.retention import keep_by_the_clock
from portal.actors import SYSTEM, Actor
from portal.mail_sending import send_due_mail
from portal.mail_text import write_letter
from portal.models import Dataset, Notice, Project, User
from tests.keeping.conftest import MakeDataset
from tests.keeping.retention_story import a_class, a_link, at, day, everything, released

OWNER = "ito@institute.example"


@pytest.fixture
def dataset(make_dataset: MakeDataset, alice: User) -> Dataset:
    made = make_dataset({"a": b"1"}, name="run-1", **released())
    assign_keeping(dataset=made, retention=None, owner=OWNER, actor=SYSTEM)
    return made


def told() -> dict[str, str]:
    """The text of each mail of a deletion that went out, by recipient, in one line."""
    letters = [letter for letter in mail.outbox if letter.subject == "Deleted: A run"]
    assert len({letter.to[0] for letter in letters}) == len(letters)
    return {letter.to[0]: " ".join(str(letter.body).split()) for letter in letters}


def test_a_deletion_by_the_clock_is_told_with_its_reason_and_the_way_back(
    dataset: Dataset, project: Project, alice: User
) -> None:
    a_class(project)
    for number in (16, 30, 31):
        everything(number)
    said = told()
    assert set(said) == {alice.email, OWNER}
    for text in said.values():
        assert "The portal deleted it by the clock (kept as “a month” says)." in text
        assert "Until Friday 10 April 2026 a manager can restore it." in text
        assert "Nothing at the instruments was touched" in text
    assert f"/datasets/{dataset.pk}/keeping" in said[alice.email]
    assert "/datasets/" not in said[OWNER]  # who needs no account
    assert "Write to em@facility.example" in said[OWNER]


def test_who_deleted_it_by_hand_is_not_told_and_the_others_are(dataset: Dataset, bob: User, alice: User) -> None:
    delete_by_hand(dataset=dataset, actor=Actor.of_user(alice), now=day(3))
    send_due_mail(clock=at(3))
    assert set(told()) == {OWNER}
    assert "alice@facility.example deleted it by hand." in told()[OWNER]


def test_an_early_deletion_is_told_though_nobody_was_warned(dataset: Dataset, project: Project, alice: User) -> None:
    a_class(project, deletes_early=True)
    assign_keeping(dataset=dataset, retention=None, owner="", actor=SYSTEM)
    a_link(dataset, state="verified", first_taken_at=day(1), completed_at=day(2), verified_at=day(3))
    everything(4)
    assert "The portal deleted it by the clock (everybody has it or agreed)." in told()[alice.email]


def test_nothing_is_told_of_a_deletion_that_was_undone_first(dataset: Dataset, project: Project) -> None:
    by_staff = Actor("user", "9", "sam@facility.example")
    delete_by_hand(dataset=dataset, actor=by_staff, now=day(3))
    restore(dataset=dataset, actor=by_staff, now=day(4))
    delete_by_hand(dataset=dataset, actor=by_staff, now=day(5))
    assert send_due_mail(clock=at(6)) == {"dropped": 2, "sent": 2}


def test_a_mail_that_comes_after_the_files_went_says_so(dataset: Dataset, project: Project, alice: User) -> None:
    a_class(project)
    for number in (16, 30):
        everything(number)
    gone: dict[str, Any] = {"state": "due", "sent_at": None, "claimed_by": "", "leased_until": None}
    Notice.objects.filter(kind="dataset-deleted", to=alice.email).update(**gone)
    mail.outbox.clear()
    everything(50)
    send_due_mail(clock=at(50.1))
    letter = write_letter(Notice.objects.get(kind="dataset-deleted", to=alice.email))
    assert letter
    for part in (letter.text, letter.html):
        assert "They were removed for good" in " ".join(part.split())
    keep_by_the_clock(clock=at(60))
    assert Notice.objects.filter(kind="dataset-deleted").count() == 2
