"""No data go before somebody who decides was told: that a warning was queued is not enough, it must have left."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from keeping.models import AskedPerson, Keeping
from keeping.needs import nobody_told, soon_deleted
from keeping.services import facts, warning
from keeping.services.keepings import assign_keeping, extend
from keeping.services.purging import purge_deleted
from keeping.services.retention import keep_by_the_clock
from portal.actors import SYSTEM
from portal.mail_sending import send_due_mail
from portal.models import Dataset, Notice, Project, User
from sharing.services.data_ends import data_ends
from tests.keeping.conftest import MakeDataset
from tests.keeping.retention_story import (
    a_class,
    a_link,
    at,
    day,
    everything,
    keeping_of,
    released,
    state_of,
    warned,
)

OWNER = "ito@institute.example"


@pytest.fixture
def dataset(make_dataset: MakeDataset, project: Project, alice: User) -> Dataset:
    """Deleted on day 30, were somebody told."""
    made = make_dataset({"a": b"1"}, name="run-1", **released())
    a_class(project)
    return made


def without_mail(number: float) -> None:
    keep_by_the_clock(clock=at(number))
    purge_deleted(clock=at(number))


def end_all(**columns: object) -> None:
    """As tries to send end, of all mails that are due."""
    Notice.objects.to_send().update(**{"last_error": "No such mailbox.", **columns})


def test_while_the_mail_server_is_away_nothing_is_deleted_and_managers_see_why(
    dataset: Dataset, alice: User, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(16, 60):
        without_mail(number)
    assert (state_of(dataset), keeping_of(dataset).deletion_at) == ("released", day(59 + 14))
    assert [to for to, _ in warned(dataset)] == [alice.email]  # one mail waits, not one for each day
    (need,) = nobody_told(alice, day(59))
    assert (need.subject, need.url) == ("A run", f"/datasets/{dataset.pk}/keeping")
    assert "The first was due 43 days ago." in need.text
    assert (nobody_told(bob, day(59)), soon_deleted(alice, day(59))) == ([], [])
    monkeypatch.setattr("django.utils.timezone.now", at(59))
    client.force_login(alice)
    assert "No warning has reached a manager" in client.get(need.url).content.decode()
    assert "Nobody could be told" in client.get("/").content.decode()


def test_once_the_mail_server_is_back_the_whole_notice_begins(dataset: Dataset, alice: User) -> None:
    for number in range(16, 38):
        without_mail(number)
    assert send_due_mail(clock=at(37.4)) == {"sent": 1}
    assert "Tuesday 21 April 2026" in mail.outbox[0].body  # day 51
    assert nobody_told(alice, day(37.5)) == []
    for number in range(38, 51):
        everything(number)
    assert state_of(dataset) == "released"
    assert warned(dataset) == [(alice.email, f"2026-04-21/{mark}") for mark in (14, 7, 1)]
    assert keeping_of(dataset).unheard_since is None
    everything(51)
    assert state_of(dataset) == "expired"


def test_a_mail_that_leaves_too_late_for_its_notice_gives_way_to_one_of_a_later_day(dataset: Dataset) -> None:
    """The scheduler slept while the mail server came back."""
    without_mail(16)
    assert send_due_mail(clock=at(20)) == {"dropped": 1}
    everything(21)
    assert keeping_of(dataset).deletion_at == day(35)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "ended",
    [
        {"state": "failed"},
        {"state": "uncertain"},
        {"state": "bounced", "bounced_at": day(16), "sent_at": day(16)},
        {"state": "dropped"},
    ],
    ids=lambda ended: str(ended["state"]),
)
def test_warnings_that_did_not_arrive_count_for_nothing_and_come_again_rarely(
    dataset: Dataset, alice: User, ended: dict[str, object]
) -> None:
    for number in range(16, 45):
        without_mail(number)
        end_all(**ended)
    assert state_of(dataset) == "released"
    tries = len(warned(dataset))
    assert tries == (29 if ended["state"] == "dropped" else 5)  # each day, or each week: day 16, 23, 30, 37, 44
    without_mail(51.5)
    send_due_mail(clock=at(51.5))
    for number in range(52, 66):
        everything(number)
    assert state_of(dataset) == "released"
    everything(66)
    assert state_of(dataset) == "expired"


def test_a_report_that_a_warning_came_back_takes_its_notice_away(dataset: Dataset) -> None:
    everything(16)
    Notice.objects.update(state="bounced", bounced_at=day(17), last_error="No such mailbox.")
    for number in (23, 29, 30, 31):
        without_mail(number)
    assert (state_of(dataset), keeping_of(dataset).unheard_since) == ("released", day(16))


def test_a_sender_whose_clock_is_late_does_not_keep_the_data_for_ever(dataset: Dataset) -> None:
    keep_by_the_clock(clock=at(16))
    send_due_mail(clock=lambda: day(16) - timedelta(minutes=1))
    for number in (17, 23, 29, 30):
        everything(number)
    assert state_of(dataset) == "expired"


def test_a_recipient_who_was_told_decides_nothing_and_the_owner_does(dataset: Dataset, alice: User, rita: str) -> None:
    a_link(dataset)
    assign_keeping(dataset=dataset, retention=None, owner=OWNER, actor=SYSTEM)
    without_mail(16)
    sent = {"state": "sent", "sent_at": day(16.1)}
    Notice.objects.filter(to=rita).update(**sent)
    Notice.objects.exclude(to=rita).update(state="failed", last_error="No such mailbox.")
    for number in range(17, 31):
        without_mail(number)
    assert state_of(dataset) == "released"
    assert len([to for to, _ in warned(dataset) if to == rita]) == 2  # on day 16 and a week later
    Notice.objects.to_send().filter(to=OWNER).update(state="sent", sent_at=day(30.1))
    for number in range(31, 45):
        without_mail(number)
    assert (state_of(dataset), AskedPerson.objects.get(email=OWNER).deletion_at) == ("expired", day(44))


def test_of_two_warnings_that_waited_only_the_later_one_goes_out(dataset: Dataset) -> None:
    assign_keeping(dataset=dataset, retention=None, owner=OWNER, actor=SYSTEM)
    without_mail(16)
    Notice.objects.exclude(to=OWNER).update(state="sent", sent_at=day(16))
    for number in (17, 23):
        without_mail(number)
    Notice.objects.to_send().exclude(to=OWNER).update(state="sent", sent_at=day(23))
    assert send_due_mail(clock=at(24)) == {"dropped": 1, "sent": 1}


def test_more_time_begins_the_notice_anew(dataset: Dataset, alice: User) -> None:
    for number in (16, 17, 18):
        without_mail(number)
    extend(dataset=dataset, actor=SYSTEM, now=day(18), manages=True)
    assert nobody_told(alice, day(18)) == []
    assert send_due_mail(clock=at(18)) == {"dropped": 1}


def test_links_are_cut_at_a_day_on_which_the_data_are_still_there(dataset: Dataset) -> None:
    """What the last look noted stands until the next one, whether or not the mail left meanwhile."""
    for number in (16, 17):
        without_mail(number)
    assert data_ends([dataset], day(17.9))[dataset.pk].at == day(31)
    send_due_mail(clock=at(17.9))
    keep_by_the_clock(clock=at(18))
    assert data_ends([dataset], day(18))[dataset.pk].at == day(31)


def test_a_portal_that_counts_from_queueing_is_seen_by_these_tests(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(facts, "_told_at", lambda keepings: {each.pk: each.warned_at for each in keepings})
    for number in range(16, 60):
        without_mail(number)
    assert state_of(dataset) == "purged"
    assert mail.outbox == []


def test_looking_for_mails_does_not_walk_all_that_were_ever_sent(dataset: Dataset) -> None:
    everything(16)
    rows = list(Keeping.objects.select_related("dataset__project"))
    with CaptureQueriesContext(connection) as asked:
        (found,) = facts.situations(rows)
        warning._told(rows[0], "2026-03-31/14")
    about_mails = [query["sql"] for query in asked.captured_queries if "portal_notice" in query["sql"]]
    assert (found.facts.told_at, len(about_mails)) == (day(16), 2)
    if connection.vendor == "sqlite":  # PostgreSQL walks tables as small as those of tests
        for sql in about_mails:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                plan = " ".join(row[3] for row in cursor.fetchall())
            assert "notices_by" not in plan, sql
