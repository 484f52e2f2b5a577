"""Who is reminded, and when: recipients who took nothing, once an interval, while their link works."""

from datetime import datetime, time, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.actors import Actor
from portal.mail_sending import send_due_mail
from portal.mail_text import write_letter
from portal.models import Dataset, Notice, User
from reminders.services import remind
from reminders.services.policies import PolicyFields
from reminders.services.remind import links_due, remind_recipients
from sharing.models import ShareLink
from sharing.services.corrections import correct_address
from sharing.undelivered import undelivered
from tests.reminders.conftest import NOW, WEEK, MakeDataset, MakeLink, SetPolicy, mailed

SECOND = timedelta(seconds=1)


def queued(kind: str = "reminder") -> list[tuple[str, str]]:
    """Address and slot of each."""
    return list(Notice.objects.filter(kind=kind).order_by("pk").values_list("to", "slot"))


def test_the_first_reminder_comes_a_week_after_the_link_began(make_link: MakeLink, rita: str) -> None:
    make_link()
    assert remind_recipients(now=NOW + WEEK - SECOND) == 0
    assert remind_recipients(now=NOW + WEEK) == 1
    assert queued() == [(rita, "day 7")]


def test_a_slot_has_one_reminder_however_often_the_sweep_runs(make_link: MakeLink, rita: str) -> None:
    make_link()
    for hours in range(0, 15 * 24, 4):
        remind_recipients(now=NOW + timedelta(hours=hours))
    assert queued() == [(rita, "day 7"), (rita, "day 14")]


def test_after_three_weeks_without_a_sweep_there_is_one_reminder_not_three(make_link: MakeLink, rita: str) -> None:
    make_link()
    assert remind_recipients(now=NOW + 3 * WEEK + SECOND) == 1
    assert queued() == [(rita, "day 21")]


def test_the_project_says_how_often(make_link: MakeLink, set_policy: SetPolicy, rita: str) -> None:
    make_link()
    set_policy(every_days=10)
    assert remind_recipients(now=NOW + timedelta(days=9)) == 0
    assert remind_recipients(now=NOW + timedelta(days=10)) == 1


def test_a_project_that_does_not_remind_sends_none(make_link: MakeLink, set_policy: SetPolicy) -> None:
    make_link()
    set_policy(reminds=False)
    assert remind_recipients(now=NOW + WEEK) == 0


def test_opening_the_page_is_not_taking(make_link: MakeLink) -> None:
    make_link(state="opened")
    assert remind_recipients(now=NOW + WEEK) == 1


@pytest.mark.parametrize("state", ["started", "complete"])
def test_whoever_took_something_is_left_alone(make_link: MakeLink, state: str) -> None:
    make_link(state=state)
    assert remind_recipients(now=NOW + WEEK) == 0


def test_whoever_took_it_with_another_link_is_left_alone(make_link: MakeLink) -> None:
    make_link(state="complete", revoked_at=NOW)
    make_link()
    assert remind_recipients(now=NOW + WEEK) == 0


def test_whoever_has_two_links_is_reminded_of_the_newer(make_link: MakeLink) -> None:
    make_link()
    newer = make_link()
    assert remind_recipients(now=NOW + WEEK) == 1
    assert Notice.objects.get().subject_id == str(newer.pk)


def test_a_newer_link_that_was_revoked_does_not_hide_the_older(make_link: MakeLink) -> None:
    make_link()
    make_link(revoked_at=NOW)
    assert remind_recipients(now=NOW + WEEK) == 1


def test_each_recipient_and_each_dataset_counts_by_itself(make_link: MakeLink, make_dataset: MakeDataset) -> None:
    make_link(state="complete")
    make_link(recipient="bob@university.example")
    make_link(dataset=make_dataset())
    assert remind_recipients(now=NOW + WEEK) == 2


def test_nothing_comes_at_or_after_the_end_of_the_link(make_link: MakeLink) -> None:
    make_link(expires_at=NOW + WEEK)
    assert remind_recipients(now=NOW + WEEK) == 0
    assert remind_recipients(now=NOW + 2 * WEEK) == 0


def test_a_revoked_link_is_not_spoken_of(make_link: MakeLink) -> None:
    make_link(revoked_at=NOW)
    assert remind_recipients(now=NOW + WEEK) == 0


def test_the_links_of_a_disabled_account_are_not_spoken_of(make_link: MakeLink, bob: User) -> None:
    make_link(created_by=bob)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert remind_recipients(now=NOW + WEEK) == 0


@pytest.mark.parametrize("state", ["expired", "purged"])
def test_data_that_are_gone_are_not_spoken_of(make_link: MakeLink, state: str) -> None:
    make_link()
    Dataset.objects.update(state=state)
    assert remind_recipients(now=NOW + WEEK) == 0


def test_the_project_gets_a_copy_when_it_wants_one(make_link: MakeLink, set_policy: SetPolicy) -> None:
    make_link()
    set_policy(copies_to="project")
    assert remind_recipients(now=NOW + WEEK) == 1
    assert queued("reminder-copy") == [("em@facility.example", "day 7")]


def test_the_addresses_of_the_token_get_a_copy_when_the_project_wants_that(
    make_link: MakeLink, set_policy: SetPolicy
) -> None:
    make_link()
    make_link(recipient="bob@university.example")
    set_policy(copies_to="token")
    remind_recipients(now=NOW + WEEK)
    assert sorted(queued("reminder-copy")) == [
        (address, "day 7") for address in ("em-staff@facility.example", "night@facility.example") for _ in range(2)
    ]
    assert Notice.objects.values("message_id").distinct().count() == 6


def test_data_that_came_without_a_token_are_told_to_the_project(make_link: MakeLink, set_policy: SetPolicy) -> None:
    make_link()
    set_policy(copies_to="token")
    Dataset.objects.update(operator_emails=[])
    remind_recipients(now=NOW + WEEK)
    assert queued("reminder-copy") == [("em@facility.example", "day 7")]


def test_nobody_gets_a_copy_unless_the_project_says_so(make_link: MakeLink) -> None:
    make_link()
    remind_recipients(now=NOW + WEEK)
    assert queued("reminder-copy") == []


def test_copies_begin_with_the_next_reminder_not_with_one_that_went_out(
    make_link: MakeLink, set_policy: SetPolicy
) -> None:
    make_link()
    remind_recipients(now=NOW + WEEK)
    set_policy(copies_to="project")
    remind_recipients(now=NOW + WEEK + SECOND)
    assert queued("reminder-copy") == []


def test_a_queued_reminder_is_a_whole_row_of_the_outbox(make_link: MakeLink, dataset: Dataset) -> None:
    link = make_link()
    remind_recipients(now=NOW + WEEK)
    notice = Notice.objects.get()
    assert (notice.subject_id, notice.dataset, notice.context, notice.attempts) == (str(link.pk), dataset, {}, 0)
    assert notice.state == Notice.State.DUE
    assert notice.message_id.startswith("<")
    assert notice.created_at


def test_the_sweep_rings_for_the_mail_once(make_link: MakeLink, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(remind, "enqueue", rung.append)
    make_link()
    remind_recipients(now=NOW + WEEK)
    remind_recipients(now=NOW + WEEK)
    assert rung == ["portal.tasks.send_due_mail_task"]


def test_a_sweep_over_many_links_costs_the_same_queries(make_link: MakeLink, dataset: Dataset) -> None:
    def cost(now: datetime) -> int:
        with CaptureQueriesContext(connection) as queries:
            remind_recipients(now=now)
        return len(queries)

    make_link()
    one = cost(NOW + WEEK)
    ShareLink.objects.bulk_create(
        ShareLink(
            key_id="k",
            dataset=dataset,
            recipient=f"r{n}@x.example",
            occasion="release",
            starts_at=NOW,
            expires_at=NOW + 4 * WEEK,
        )
        for n in range(300)
    )
    assert cost(NOW + WEEK + SECOND) == one
    assert Notice.objects.count() == 301


def test_windows_of_ids_miss_no_link_at_their_seams(make_link: MakeLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remind, "WINDOW", 3)
    for number in range(10):
        make_link(recipient=f"r{number}@x.example")
    assert remind_recipients(now=NOW + WEEK) == 10


def test_what_would_be_done_is_what_is_done(make_link: MakeLink) -> None:
    links = [make_link(recipient=f"r{number}@x.example") for number in range(3)]
    make_link(recipient="done@x.example", state="complete")
    assert links_due(now=NOW + WEEK) == [link.pk for link in links]
    assert remind_recipients(now=NOW + WEEK) == 3
    assert links_due(now=NOW + WEEK) == []


@pytest.mark.parametrize(
    "change", [{"state": "started", "first_taken_at": NOW}, {"revoked_at": NOW}, {"expires_at": NOW + WEEK}]
)
def test_a_reminder_that_waited_too_long_is_dropped_with_its_copy(
    make_link: MakeLink, set_policy: SetPolicy, change: dict[str, object]
) -> None:
    link = make_link()
    set_policy(copies_to="project")
    remind_recipients(now=NOW + WEEK)
    ShareLink.objects.filter(pk=link.pk).update(**change)
    assert send_due_mail(clock=lambda: NOW + WEEK) == {"dropped": 2}
    assert mail.outbox == []


@pytest.mark.parametrize("state", ["bounced", "failed"])
def test_an_address_that_was_refused_is_reminded_no_more_until_it_is_corrected(
    make_link: MakeLink, bob: User, state: str
) -> None:
    link = make_link(recipient="ritta@university.example")
    mailed(link, state)
    assert remind_recipients(now=NOW + WEEK) == 0
    made = correct_address(link=link, address="rita@university.example", actor=Actor.of_user(bob), now=NOW + WEEK)
    Notice.objects.filter(subject_id=made.pk).update(state="sent", sent_at=NOW)
    assert remind_recipients(now=NOW + 2 * WEEK) == 1
    assert queued() == [("rita@university.example", "day 7")]


def test_a_mail_that_arrived_after_one_that_came_back_makes_good_for_it(make_link: MakeLink) -> None:
    link = make_link()
    mailed(link, "bounced")
    mailed(link, "sent")
    assert remind_recipients(now=NOW + WEEK) == 1


def test_a_reminder_is_dropped_when_the_mail_before_it_came_back(make_link: MakeLink, set_policy: SetPolicy) -> None:
    link = make_link()
    mailed(link, "sent")
    set_policy(copies_to="project")
    remind_recipients(now=NOW + WEEK)
    Notice.objects.filter(kind="dataset-ready").update(state="bounced")
    assert send_due_mail(clock=lambda: NOW + WEEK) == {"dropped": 2}
    assert link.pk in undelivered([link])  # the dataset's page goes on saying so


def test_staff_read_a_reminder_that_was_refused(make_link: MakeLink) -> None:
    make_link()
    remind_recipients(now=NOW + WEEK)
    Notice.objects.update(state="failed", last_error="no such user", tried_at=NOW + WEEK)
    letter = write_letter(Notice.objects.get())
    assert letter
    assert "Lysozyme, grid 1" in letter.text
    assert remind_recipients(now=NOW + 2 * WEEK) == 0


SATURDAY = NOW + WEEK + timedelta(days=1)


@pytest.mark.parametrize("wish", [{"quiet_from": time(20), "quiet_until": time(7)}, {"working_days_only": True}])
def test_a_reminder_that_was_held_up_keeps_to_quiet_hours_and_working_days(
    make_link: MakeLink, set_policy: SetPolicy, wish: PolicyFields
) -> None:
    make_link()
    set_policy(copies_to="project")
    set_policy(**wish)
    remind_recipients(now=NOW + WEEK)
    at = SATURDAY + timedelta(hours=3)  # the mail server is back: Saturday, 21:20
    until = at.replace(day=29, hour=7, minute=0) if "quiet_from" in wish else at + timedelta(days=2)
    assert send_due_mail(clock=lambda: at) == {"due": 2}
    assert list(Notice.objects.values_list("not_before", "attempts")) == [(until, 0)] * 2
    assert "disturbs nobody" in Notice.objects.all()[0].last_error
    assert send_due_mail(clock=lambda: until - SECOND) == {}
    assert send_due_mail(clock=lambda: until) == {"sent": 2}


def test_of_two_reminders_that_were_held_up_the_newer_goes_out(make_link: MakeLink, set_policy: SetPolicy) -> None:
    make_link()
    set_policy(copies_to="project")
    remind_recipients(now=NOW + WEEK)
    remind_recipients(now=NOW + 2 * WEEK)
    assert send_due_mail(clock=lambda: NOW + 2 * WEEK) == {"dropped": 2, "sent": 2}
    assert set(Notice.objects.filter(state="sent").values_list("slot", flat=True)) == {"day 14"}
