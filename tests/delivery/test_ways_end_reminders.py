"""Whoever took data, in whichever way, is reminded no more; whoever took nothing still is. By the ways themselves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from peers.servers import Server
from portal.actors import SYSTEM
from portal.mail_sending import send_due_mail
from portal.models import Membership, Notice, Project, User
from reminders.services.policies import change_policy
from reminders.services.remind import links_due, remind_recipients
from sharing.links import token_of
from sharing.models import ShareLink
from tests.conftest import Bells, SignIn
from tests.delivery.servers import webdav_fields
from tests.sharing.conftest import FILES, MakeLink, Visitor
from tests.sharing.test_selections import part_of
from tests.sharing.test_shared_api import Program, wanted

WEEK = timedelta(days=7, minutes=1)
RUTH = "ruth@university.example"
Take = Callable[[ShareLink], object]


def zip_of_everything(link: ShareLink) -> None:
    assert Visitor(link).get_zip().status_code == 200


def zip_of_some(link: ShareLink) -> None:
    visitor = Visitor(link)
    assert visitor.get(part_of(visitor, ("file", "notes.txt"))).body.startswith(b"PK")


def one_file(link: ShareLink) -> None:
    assert Visitor(link).get("/files/notes.txt").body == FILES["notes.txt"]


def one_file_of_the_tree(link: ShareLink) -> None:
    """As wget and rclone take it."""
    assert Visitor(link).get("/tree/notes.txt").body == FILES["notes.txt"]


def small_files_together(link: ShareLink) -> None:
    """As the agent takes them."""
    assert Program(link).fetch(wanted(*FILES))


def tell_of_reminders(link: ShareLink, take: Take, bells: Bells, *, whole: bool) -> None:
    """Rita and Ruth are to be reminded after a week. Before it goes out Rita takes something: in that week and the next
    Ruth alone is written to. Where a part is not enough, Rita is to be reminded of the rest."""
    in_a_week, in_two_weeks = timezone.now() + WEEK, timezone.now() + 2 * WEEK
    assert remind_recipients(now=in_a_week) == 2
    bells.clear()
    take(link)
    reminders = Notice.objects.filter(kind="reminder")
    Notice.objects.exclude(pk__in=reminders).delete()
    send_due_mail(clock=lambda: in_a_week)
    assert set(reminders.values_list("to", "state")) == {(link.recipient, "dropped"), (RUTH, "sent")}
    assert remind_recipients(now=in_two_weeks) == 1
    assert set(reminders.filter(slot="day 14").values_list("to", flat=True)) == {RUTH}
    change_policy(project=link.dataset.project, actor=SYSTEM, partial_is_used=False)
    assert (links_due(now=in_two_weeks) == [link.pk]) is not whole


@pytest.mark.parametrize(
    ("take", "whole"),
    [
        (zip_of_everything, True),
        (zip_of_some, False),
        (one_file, False),
        (one_file_of_the_tree, False),
        (small_files_together, True),
    ],
)
def test_who_downloaded_with_the_link_is_reminded_no_more(
    take: Take, whole: bool, link: ShareLink, ruth: ShareLink, bells: Bells
) -> None:
    tell_of_reminders(link, take, bells, whole=whole)


def test_who_copied_it_into_a_project_of_their_own_is_reminded_no_more(
    link: ShareLink, ruth: ShareLink, rita_user: User, sign_in: SignIn, bells: Bells
) -> None:
    def copy(link: ShareLink) -> None:
        fields = {"project": "lab", "title": "Mine"}
        assert sign_in(rita_user).post(f"/s/{token_of(link)}/copy", fields).status_code == 302
        bells.run()

    tell_of_reminders(link, copy, bells, whole=True)


@pytest.mark.usefixtures("loopback_allowed")
def test_who_had_it_sent_to_storage_of_their_own_is_reminded_no_more(
    link: ShareLink, ruth: ShareLink, theirs: Server, bells: Bells
) -> None:
    def push(link: ShareLink) -> None:
        fields = {name: value for name, value in webdav_fields(theirs).items() if name != "name"}
        assert Client().post(f"/s/{token_of(link)}/push/webdav", fields).status_code == 302
        bells.run()

    Project.objects.update(recipients_may_push=True)
    tell_of_reminders(link, push, bells, whole=True)


@pytest.mark.parametrize("way", ["zip", "file"])
def test_a_recipient_who_took_the_data_as_a_member_is_reminded_no_more(
    link: ShareLink, ruth: ShareLink, rita_user: User, sign_in: SignIn, bells: Bells, way: str
) -> None:
    member = sign_in(rita_user)

    def take(link: ShareLink) -> None:
        dataset = link.dataset
        if way == "zip":
            answer = member.get(f"/datasets/{dataset.pk}/download/{dataset.name}.zip")
        else:
            answer = member.get(reverse("dataset_file", args=[dataset.pk, "notes.txt"]))
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        answer.close()

    Membership.objects.get_or_create(project=link.dataset.project, user=rita_user)
    tell_of_reminders(link, take, bells, whole=way == "zip")


def test_a_member_does_not_use_up_the_downloads_of_their_limited_link(
    link: ShareLink, rita_user: User, sign_in: SignIn
) -> None:
    Membership.objects.get_or_create(project=link.dataset.project, user=rita_user)
    ShareLink.objects.update(most_downloads=1)
    dataset = link.dataset
    for _ in range(2):
        answer = sign_in(rita_user).get(f"/datasets/{dataset.pk}/download/{dataset.name}.zip")
        assert b"".join(answer.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
    link.refresh_from_db()
    assert link.downloads == 0


def test_who_looked_at_everything_is_still_reminded(link: ShareLink, ruth: ShareLink) -> None:
    for page in ("", "/tree/", "/manifest-sha256.txt"):
        assert Visitor(link).get(page).status_code == 200
    assert remind_recipients(now=timezone.now() + WEEK) == 2


@pytest.fixture
def ruth(link: ShareLink, make_link: MakeLink) -> ShareLink:
    """She takes nothing."""
    return make_link(link.dataset, RUTH)
