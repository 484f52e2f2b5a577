"""Three beats that tick at once and four workers for each: as many mails as are due, not one more."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from portal.mail_sending import send_due_mail
from portal.models import Notice
from reminders.services import remind
from reminders.services.remind import remind_recipients
from tests.portal.mail_server import mail_server
from tests.portal.many_connections import at_once, shared_database
from tests.reminders.conftest import NOW, WEEK, MakeLink, SetPolicy

LINKS = 100
RUNS = 12

pytestmark = pytest.mark.django_db(transaction=True)


def test_three_beats_and_four_workers_each_send_every_reminder_once(
    make_link: MakeLink, set_policy: SetPolicy, settings: Settings, tmp_path: Path
) -> None:
    for number in range(LINKS):
        make_link(recipient=f"rita-{number}@x.example", starts_at=NOW - timedelta(minutes=number))
    set_policy(copies_to="project")
    now = NOW + WEEK

    def tick() -> None:
        remind_recipients(now=now)
        send_due_mail(clock=lambda: now)

    with shared_database(tmp_path), mail_server(settings) as server:
        at_once(tick, RUNS)
        send_due_mail(clock=lambda: now)
        assert Notice.objects.filter(state="sent").count() == 2 * LINKS
        assert {len(letters) for to, letters in server.taken.items() if to != "em@facility.example"} == {1}
        assert len(server.taken) == LINKS + 1
        assert len(server.taken["em@facility.example"]) == LINKS


def test_with_slots_that_are_not_remembered_reminders_would_come_twice(
    make_link: MakeLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault that the test above must notice: each slot gets a new name whenever it is looked at."""
    monkeypatch.setattr(remind, "slot_name", lambda day: uuid4().hex)
    make_link()
    counts = [remind_recipients(now=NOW + WEEK) for _ in range(2)]
    assert counts == [1, 1]
