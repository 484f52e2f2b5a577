"""The addresses in warnings: one click keeps the data longer, for those who still have a say, for a while."""

from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from keeping.answer_links import answer_address
from keeping.models import AskedPerson
from keeping.services.keepings import assign_keeping, release_hold
from keeping.services.keepings import hold as hold_it
from portal.actors import SYSTEM, Actor
from portal.models import AuditEvent, Dataset, Membership, Project, User
from sharing.models import ShareLink
from tests.keeping.conftest import MakeDataset
from tests.keeping.retention_story import a_class, a_link, at, day, everything, keeping_of, released

OWNER = "ito@institute.example"


@pytest.fixture
def dataset(make_dataset: MakeDataset, project: Project, alice: User, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Alice, an owner and Rita are told on day 16 that it is deleted on day 30. Today is day 17."""
    made = make_dataset({"a": b"1"}, name="run-1", **released())
    a_class(project)
    a_link(made)
    assign_keeping(dataset=made, retention=None, owner=OWNER, actor=SYSTEM)
    everything(16)
    monkeypatch.setattr("django.utils.timezone.now", at(17))
    return made


def page_of(email: str) -> str:
    return str(answer_address(AskedPerson.objects.get(email=email))).removeprefix(settings.PORTAL_URL)


def test_a_manager_keeps_it_longer_from_the_mail_without_signing_in(
    dataset: Dataset, alice: User, client: Client
) -> None:
    (letter,) = [letter for letter in mail.outbox if letter.to == [alice.email]]
    said, page = " ".join(str(letter.body).split()), page_of(alice.email)
    assert f"Keep it until Thursday 30 April 2026, with one click: {settings.PORTAL_URL}{page} " in said
    shown = client.get(page).content.decode()
    assert f"/datasets/{dataset.pk}/keeping" in shown
    assert "it may be deleted" not in shown
    assert keeping_of(dataset).extended_until is None  # looking changes nothing
    for _ in range(2):  # more often than the class allows to others
        button = {"answer": "keep", "offered": client.get(page).context["offered"]}
        for _click in range(2):  # by somebody in a hurry
            assert client.post(page, button).status_code == 302
    assert (keeping_of(dataset).extended_until, keeping_of(dataset).extensions) == (day(90), 0)
    refused = client.post(page, {"answer": "delete"})
    assert (refused.status_code, "Sign in" in refused.content.decode()) == (403, True)
    assert AuditEvent.objects.filter(kind="keeping_extended").latest("id").actor == alice.email


def test_who_has_no_say_any_more_is_refused_with_a_sentence(dataset: Dataset, alice: User, client: Client) -> None:
    assign_keeping(dataset=dataset, retention=None, owner="another@institute.example", actor=SYSTEM)
    ShareLink.objects.update(revoked_at=day(17))
    Membership.objects.filter(user=alice).update(role=Membership.Role.OPERATOR)
    for email in (OWNER, "rita@university.example", alice.email):
        for answer in (client.get(page_of(email)), client.post(page_of(email), {"answer": "keep"})):
            assert (answer.status_code, "no say about these data" in answer.content.decode()) == (410, True)
    assert keeping_of(dataset).extended_until is None


def test_an_owner_who_became_a_manager_answers_as_one_and_the_other_way_round(
    dataset: Dataset, project: Project, alice: User, make_user: Any, client: Client
) -> None:
    Membership.objects.create(project=project, user=make_user(OWNER), role=Membership.Role.MANAGER)
    Membership.objects.filter(user=alice).delete()
    assert "for that you sign in" in client.get(page_of(OWNER)).content.decode()
    assert client.get(page_of(alice.email)).status_code == 410


def test_an_address_ends_a_month_after_the_deletion_of_which_it_told(
    dataset: Dataset, alice: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = page_of(OWNER)
    hold_it(dataset=dataset, reason="under review", actor=Actor.of_user(alice), now=day(17))
    monkeypatch.setattr("django.utils.timezone.now", at(59.9))
    assert client.get(page).status_code == 200
    monkeypatch.setattr("django.utils.timezone.now", at(60.1))
    ended = client.get(page)
    assert ended.status_code == 410
    assert "about a deletion on Tuesday 31 March 2026" in ended.content.decode()
    release_hold(dataset=dataset, actor=Actor.of_user(alice))
    everything(61)  # a new warning
    assert client.get(page).status_code == 200
