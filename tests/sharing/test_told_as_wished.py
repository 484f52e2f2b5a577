"""Operators and whoever shared data hear of the release and of downloads as they wish."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.actors import Actor
from portal.digests import DIGEST
from portal.mail_text import write_letter
from portal.models import Membership, Notice, User
from sharing.models import ShareLink
from sharing.services.by_hand import ShareWish, share_by_hand
from sharing.services.dispatch import dispatch_dataset
from tests.sharing.conftest import MakeDataset, Visitor

pytestmark = pytest.mark.django_db
TOLD = ["dataset-released", "first-complete-download", "download-complete"]


@pytest.mark.parametrize(
    ("wish", "kinds"),
    [("mine", set(TOLD)), ("each", set(TOLD)), ("daily", {DIGEST}), ("never", set())],
)
def test_bob_who_operates_and_shares_is_told_as_he_wishes(
    make_dataset: MakeDataset, bob: User, wish: str, kinds: set[str]
) -> None:
    Membership.objects.filter(user=bob).update(told_of_downloads=wish)
    now = timezone.now()
    told = ["list@facility.example", bob.email]
    dataset = make_dataset(recipients=("rita@university.example",), operator_emails=told)
    dispatch_dataset(dataset_id=dataset.pk, now=now)
    by_hand = ShareWish(["ruth@university.example"], now + timedelta(days=3), "x")
    share_by_hand(dataset=dataset, wish=by_hand, actor=Actor.of_user(bob), now=now)
    for link in ShareLink.objects.order_by("recipient"):
        Visitor(link).get_zip()
    mails = Notice.objects.filter(kind__in=[*TOLD, DIGEST])
    assert set(mails.filter(to=bob.email).values_list("kind", flat=True)) == kinds
    assert sorted(mails.filter(to=told[0]).values_list("kind", flat=True)) == sorted(TOLD[:2])
    letters = [write_letter(notice) for notice in mails.filter(kind=DIGEST)]
    text = "".join(letter.text for letter in letters if letter)
    for said in ("released: 4", "rita@university.example has downloaded", "ruth@university.example has downloaded"):
        assert text.count(said) == (wish == "daily")


@pytest.mark.parametrize(
    ("wish", "kinds"),
    [("mine", []), ("each", ["dataset-released", *["download-complete"] * 2]), ("daily", [DIGEST]), ("never", [])],
)
def test_alice_who_shared_nothing_hears_of_everything_if_she_chose_so(
    make_dataset: MakeDataset, alice: User, wish: str, kinds: list[str]
) -> None:
    Membership.objects.filter(user=alice).update(told_of_downloads=wish)
    recipients = ("rita@university.example", "ruth@university.example")
    dataset = make_dataset(recipients=recipients, operator_emails=["list@facility.example"])
    dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    for link in ShareLink.objects.all():
        Visitor(link).get_zip()
    mails = Notice.objects.filter(kind__in=[*TOLD, DIGEST])
    mine = mails.filter(to=alice.email)
    assert sorted(mine.values_list("kind", flat=True)) == sorted(kinds)
    assert sorted(mails.exclude(to=alice.email).values_list("kind", flat=True)) == sorted(TOLD[:2])
    letters = [write_letter(notice) for notice in mine]
    for said in ("Lysozyme", "rita@university.example", "ruth@university.example"):
        assert any(said in letter.text for letter in letters if letter) == bool(kinds)
    for letter in filter(None, letters):
        assert letter.preferences.endswith(reverse("mail_wishes"))
        assert letter.preferences in letter.text
        assert wish == "daily" or "because you chose to be told of everything" in letter.text


def test_who_shares_operates_and_hears_of_everything_gets_one_mail_of_each_thing(
    make_dataset: MakeDataset, bob: User
) -> None:
    Membership.objects.filter(user=bob).update(told_of_downloads="each")
    dataset = make_dataset(recipients=("rita@university.example",), operator_emails=["Bob@Facility.example"])
    dispatch_dataset(dataset_id=dataset.pk, now=timezone.now())
    ShareLink.objects.update(created_by=bob)
    Visitor(ShareLink.objects.get()).get_zip()
    told = Notice.objects.filter(kind__in=TOLD, to__iexact=bob.email)
    assert sorted(told.values_list("kind", flat=True)) == sorted(TOLD[:2])


def test_an_address_of_nobody_in_the_project_is_shown_no_page_of_wishes(make_dataset: MakeDataset) -> None:
    dispatch_dataset(dataset_id=make_dataset(operator_emails=["list@facility.example"]).pk, now=timezone.now())
    letter = write_letter(Notice.objects.get(kind="dataset-released"))
    assert letter
    assert letter.preferences == ""
    assert "Choose" not in letter.text + letter.html
