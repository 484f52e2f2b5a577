"""Operators and whoever shared data hear of the release and of downloads as they wish."""

from datetime import timedelta

import pytest
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
    [("each", set(TOLD)), ("daily", {DIGEST}), ("never", set())],
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
