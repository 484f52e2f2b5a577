from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from portal.access import visible_datasets
from portal.actors import Actor
from portal.models import Dataset, Membership, User
from portal.panels import Panel, render_panel
from sharing.models import ShareLink
from sharing.needs import links_ending_untaken
from sharing.panels import fetched_notes, links_panel, receipts_panel
from sharing.services.by_hand import revoke_link
from tests.sharing.conftest import MakeDataset, MakeLink, Visitor

pytestmark = pytest.mark.django_db


def shown(panel: Any, user: User, dataset: Dataset) -> str:
    request = RequestFactory().get("/")
    request.user = user
    made: Panel | None = panel(request, dataset)
    return render_panel(request, dataset, made) if made else ""


def test_members_see_how_far_each_recipient_is(dataset: Dataset, make_link: MakeLink, bob: User) -> None:
    waiting, looking, taking, done = (
        Visitor(make_link(dataset, f"{name}@university.example")) for name in ("anna", "ben", "cleo", "dora")
    )
    looking.get()
    taking.get_zip(range="bytes=0-999")
    done.get_zip()
    text = shown(links_panel, bob, dataset)
    for visitor, word in ((waiting, "not opened"), (looking, "opened"), (taking, "partial"), (done, "complete")):
        row = text.partition(visitor.link.recipient)[2].partition("</tr>")[0]
        assert f"</svg>{word}</span>" in row
    assert "perhaps by a program" in text
    receipts = shown(receipts_panel, bob, dataset)
    assert receipts.count("everything as a zip") == 2
    assert "1.00\u00a0kB" in receipts


def test_who_may_share_sees_the_buttons_and_a_viewer_does_not(
    dataset: Dataset, link: ShareLink, bob: User, charlie: User
) -> None:
    Membership.objects.create(project=dataset.project, user=charlie, role=Membership.Role.VIEWER)
    for user, sees in ((bob, True), (charlie, False)):
        text = shown(links_panel, user, dataset)
        assert ("Share with someone" in text) is sees
        assert (f"/links/{link.pk}/revoke" in text) is sees
        assert link.recipient in text


def test_no_page_shows_a_usable_link(dataset: Dataset, link: ShareLink, bob: User) -> None:
    text = shown(links_panel, bob, dataset) + shown(receipts_panel, bob, dataset)
    assert link.public_id not in text
    assert "/s/" not in text


def test_a_link_that_has_ended_says_how(dataset: Dataset, make_link: MakeLink, alice: User) -> None:
    revoke_link(link=make_link(dataset), actor=Actor.of_user(alice), now=timezone.now())
    assert "</svg>revoked</span>" in shown(links_panel, alice, dataset)
    Dataset.objects.filter(pk=dataset.pk).update(state="purged")
    make_link(dataset, "late@university.example")
    assert "</svg>expired</span>" in shown(links_panel, alice, Dataset.objects.get(pk=dataset.pk))


def test_without_links_it_says_what_comes_next(make_dataset: MakeDataset, bob: User) -> None:
    assert "Shared with nobody" in shown(links_panel, bob, make_dataset())
    closed = make_dataset(state="closed", released_at=None)
    assert "No links yet" in shown(links_panel, bob, closed)
    assert shown(receipts_panel, bob, closed) == ""


def test_panels_cost_as_many_queries_for_100_links_as_for_10(
    make_dataset: MakeDataset, make_link: MakeLink, sam: User, django_assert_max_num_queries: Any
) -> None:
    dataset = make_dataset()
    for count in (10, 90):
        for _ in range(count):
            Visitor(make_link(dataset)).get("/files/notes.txt")
        with django_assert_max_num_queries(3):
            shown(links_panel, sam, visible_datasets(sam).get(pk=dataset.pk))
        with django_assert_max_num_queries(2):
            shown(receipts_panel, sam, visible_datasets(sam).get(pk=dataset.pk))


def test_lists_say_how_many_have_it(make_dataset: MakeDataset, make_link: MakeLink) -> None:
    one, other = make_dataset(), make_dataset()
    Visitor(make_link(one, "anna@university.example")).get_zip()
    make_link(one, "anna@university.example")
    make_link(one, "ben@university.example")
    assert fetched_notes([one.pk, other.pk]) == {one.pk: "1 of 2 have it"}


def test_links_about_to_end_untaken_need_somebody(
    dataset: Dataset, make_link: MakeLink, bob: User, charlie: User
) -> None:
    soon = timezone.now() + timedelta(days=3, seconds=5)
    make_link(dataset, "late@university.example", expires_at=soon)
    make_link(dataset, "later@university.example")
    Visitor(make_link(dataset, "done@university.example", expires_at=soon)).get_zip()
    now = timezone.now()
    (need,) = links_ending_untaken(bob, now)
    assert need.text.startswith("late@university.example has taken nothing and the link ends in 3 days")
    assert need.url == reverse("link_terms", args=[ShareLink.objects.get(recipient__startswith="late@").pk]) + "#mails"
    assert links_ending_untaken(charlie, now) == []
