"""A mail that did not arrive is shown with its reason, and the link goes to the corrected address."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.actors import SYSTEM, Actor
from portal.errors import Conflict, Invalid
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Dataset, DatasetRecipient, Membership, Notice, User
from portal.needs import needs_of
from portal.outbox import new_notice
from sharing.errors import LinkRevoked, NotReleased
from sharing.links import address_of
from sharing.models import ShareLink
from sharing.services.by_hand import revoke_link
from sharing.services.corrections import correct_address
from tests.conftest import MakeUser, SignIn
from tests.sharing.conftest import MakeDataset, MakeLink

NOBODY = "The mail server did not accept the address: 550 5.1.1 No such user here"


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset(recipients=("ritta@university.example",))


@pytest.fixture
def link(dataset: Dataset, make_link: MakeLink) -> ShareLink:
    """Its mail was refused."""
    link = make_link(dataset, recipient="ritta@university.example")
    mailed(link, "failed")
    return link


@pytest.fixture
def vera(make_user: MakeUser, dataset: Dataset) -> User:
    """She only looks."""
    user = make_user("vera@facility.example")
    Membership.objects.create(project=dataset.project, user=user, role=Membership.Role.VIEWER)
    return user


def mailed(link: ShareLink, state: str, *, kind: str = "dataset-ready", slot: str = "made") -> None:
    notice = new_notice(kind, link.recipient, subject_id=link.pk, slot=slot, dataset=link.dataset)
    notice.state, notice.last_error, notice.sent_at, notice.bounced_at = state, NOBODY, timezone.now(), timezone.now()
    notice.save()


def correct(link: ShareLink, person: User, address: str = "Rita@University.example") -> ShareLink:
    return correct_address(link=link, address=address, actor=Actor.of_user(person), now=timezone.now())


def page_of(link: ShareLink) -> str:
    return f"/links/{link.pk}/address"


def test_the_dataset_page_says_whom_the_mail_did_not_reach(
    link: ShareLink, bob: User, vera: User, sign_in: SignIn
) -> None:
    page = sign_in(bob).get(link.dataset.get_absolute_url()).text
    assert NOBODY in page
    assert page_of(link) in page
    page = sign_in(vera).get(link.dataset.get_absolute_url()).text
    assert NOBODY in page
    assert page_of(link) not in page


@pytest.mark.parametrize(
    ("then", "shown"), [([], True), (["sent"], False), (["uncertain"], False), (["sent", "bounced"], True)]
)
def test_the_newest_mail_that_was_tried_decides(
    link: ShareLink, bob: User, sign_in: SignIn, then: list[str], shown: bool
) -> None:
    for number, state in enumerate(then):
        mailed(link, state, kind="reminder", slot=str(number))
    mailed(link, "due", kind="reminder", slot="next")
    assert ("The mail did not arrive." in sign_in(bob).get(link.dataset.get_absolute_url()).text) == shown
    assert ("did not arrive" in " ".join(need.text for need in needs_of(bob, timezone.now()))) == shown


def test_a_mail_that_perhaps_arrived_is_shown_as_that_and_can_be_sent_again(
    link: ShareLink, bob: User, vera: User, sign_in: SignIn
) -> None:
    mailed(link, "uncertain", slot="again")
    again = reverse("link_terms", args=[link.pk]) + "#mails"
    page = sign_in(bob).get(link.dataset.get_absolute_url()).text
    assert "The mail was perhaps delivered." in page
    assert again in page
    assert "Send the mail again" in sign_in(bob).get(again).text
    assert again not in sign_in(vera).get(link.dataset.get_absolute_url()).text


def test_home_shows_it_to_those_who_can_mend_it(link: ShareLink, bob: User, vera: User, charlie: User) -> None:
    (need,) = [need for need in needs_of(bob, timezone.now()) if "did not arrive" in need.text]
    assert (need.state, need.url) == ("failed", link.dataset.get_absolute_url())
    for person in (vera, charlie):
        assert not any("did not arrive" in need.text for need in needs_of(person, timezone.now()))


def test_many_links_cost_no_more_queries(link: ShareLink, make_link: MakeLink, bob: User, sign_in: SignIn) -> None:
    client, address = sign_in(bob), f"{link.dataset.get_absolute_url()}panels/links"

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    cost()
    few = cost()
    for number in range(20):
        mailed(make_link(link.dataset, recipient=f"r{number}@x.example"), "bounced")
    assert cost() == few
    assert client.get(address).text.count(NOBODY) == 21


def test_the_right_person_gets_a_link_on_the_same_terms(link: ShareLink, bob: User, client: Client) -> None:
    ShareLink.objects.filter(pk=link.pk).update(password_hash="x", ways=["zip"], most_downloads=3, message="Grid 1")
    link.refresh_from_db()
    before = timezone.now()
    made = correct(link, bob)
    link.refresh_from_db()
    assert link.revoked_by == bob.email
    assert made.recipient == "rita@university.example"
    assert (made.password_hash, made.ways, made.most_downloads, made.message) == ("x", ["zip"], 3, "Grid 1")
    assert made.expires_at - made.starts_at == link.expires_at - link.starts_at
    assert made.starts_at >= before
    assert address_of(made) != address_of(link)
    assert client.get(str(address_of(link)).removeprefix("http://127.0.0.1:8000")).status_code == 410


def test_the_mail_goes_out_anew_and_the_list_of_recipients_is_right(link: ShareLink, bob: User) -> None:
    made = correct(link, bob)
    send_due_mail(clock=timezone.now)
    letter = mail.outbox[-1]
    assert letter.to == ["rita@university.example"]
    assert str(address_of(made)) in str(letter.body)
    assert list(DatasetRecipient.objects.values_list("email", flat=True)) == ["rita@university.example"]


def test_a_recipient_who_is_in_the_list_already_stands_there_once(link: ShareLink, bob: User) -> None:
    DatasetRecipient.objects.create(dataset=link.dataset, email="rita@university.example")
    correct(link, bob)
    assert list(DatasetRecipient.objects.values_list("email", flat=True)) == ["rita@university.example"]


def test_it_is_audited(link: ShareLink, bob: User) -> None:
    correct(link, bob)
    told = AuditEvent.objects.order_by("id").values_list("kind", "actor", "subject")
    assert list(told) == [
        ("link_revoked", bob.email, "ritta@university.example"),
        ("link_made", bob.email, "rita@university.example"),
        ("address_corrected", bob.email, "rita@university.example"),
    ]


def _revoked(link: ShareLink) -> None:
    revoke_link(link=link, actor=SYSTEM, now=timezone.now())


def _taken(link: ShareLink) -> None:
    ShareLink.objects.filter(pk=link.pk).update(state="started", first_taken_at=timezone.now())


def _deleted(link: ShareLink) -> None:
    Dataset.objects.update(state="purged")


@pytest.mark.parametrize(
    ("happened", "address", "refusal"),
    [
        (None, "ritta@university.example", Invalid),
        (None, "rita@", Invalid),
        (_revoked, "rita@university.example", LinkRevoked),
        (_taken, "rita@university.example", Conflict),
        (_deleted, "rita@university.example", NotReleased),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    link: ShareLink, bob: User, happened: Any, address: str, refusal: type[Exception]
) -> None:
    if happened:
        happened(link)
    before = list(ShareLink.objects.values())
    with pytest.raises(refusal):
        correct(link, bob, address)
    assert list(ShareLink.objects.values()) == before
    assert Notice.objects.count() == 1


def test_the_page_asks_for_the_address_and_says_what_happens(link: ShareLink, bob: User, sign_in: SignIn) -> None:
    client = sign_in(bob)
    assert NOBODY in client.get(page_of(link)).text
    again = client.post(page_of(link), {"address": "ritta@university.example"})
    assert (again.status_code, "That is the address it was sent to" in again.text) == (422, True)
    done = client.post(page_of(link), {"address": "rita@university.example"}, follow=True)
    assert "A link is on its way to rita@university.example; that of ritta@university.example is revoked." in done.text
    assert NOBODY not in done.text
    assert client.post(page_of(link), {"address": "rita@university.example"}).status_code == 422
    assert ShareLink.objects.count() == 2


def test_an_expired_link_can_be_corrected_too(link: ShareLink, bob: User) -> None:
    ShareLink.objects.update(starts_at=days_ago(40), expires_at=days_ago(10))
    link.refresh_from_db()
    assert correct(link, bob).is_open(timezone.now())


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)
