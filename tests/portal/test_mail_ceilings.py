"""At most so many mails of a project a day; the others wait for the next."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from portal.mail_ceilings import day_of
from portal.mail_claims import due_ids
from portal.mail_sending import send_due_mail
from portal.models import Dataset, MailDay, Notice, Project, User
from portal.outbox import Mail, new_notice, queue_notices
from tests.portal.conftest import MakeDataset
from tests.portal.mail_server import MailServer, mail_server
from tests.portal.many_connections import at_once, shared_database

NOW = datetime(2026, 11, 20, 18, 20, tzinfo=UTC)
TOMORROW = datetime(2026, 11, 21, tzinfo=UTC)


def hello(notice: Notice) -> Mail | None:
    if notice.to.startswith("over"):
        return None
    return Mail("invitation", {"by": "Bob", "person": User(email=notice.to), "address": "https://x.example/"})


@pytest.fixture(autouse=True)
def hello_mails(settings: Settings) -> None:
    settings.MAILS = settings.MAILS | {"hello": f"{__name__}.hello"}
    settings.MAILS_A_DAY = 3


def queue(dataset: Dataset | None, *names: str) -> None:
    queue_notices(new_notice("hello", f"{name}@x.example", subject_id=1, slot="now", dataset=dataset) for name in names)


def send(now: datetime = NOW) -> Counter[str]:
    send_due_mail(clock=lambda: now)
    return Counter(Notice.objects.filter(kind="hello").values_list("state", flat=True))


def test_mails_beyond_the_ceiling_wait_for_the_next_day_and_say_so(dataset: Dataset) -> None:
    queue(dataset, "a", "b", "c", "d", "e")
    assert send() == {"sent": 3, "due": 2}
    waiting = Notice.objects.filter(kind="hello", state="due")
    assert {notice.to for notice in waiting} == {"d@x.example", "e@x.example"}
    for notice in waiting:
        assert (notice.not_before, notice.attempts) == (TOMORROW, 0)
        assert notice.last_error == (
            "The project has sent 3 mails on 20 November, as many as it may. This one waits for the next day."
        )
    assert send(TOMORROW - timedelta(seconds=1)) == {"sent": 3, "due": 2}
    assert send(TOMORROW) == {"sent": 5}
    assert len(mail.outbox) == 5


def test_a_batch_too_many_is_held_by_few_statements(dataset: Dataset) -> None:
    queue(dataset, *(f"rita-{number}" for number in range(200)))
    with CaptureQueriesContext(connection) as queries:
        assert send() == {"sent": 3, "due": 197}
    assert len(queries) < 50


def test_what_can_wait_goes_last_and_leaves_a_fifth_of_the_day_to_what_people_wait_for(
    dataset: Dataset, settings: Settings, alice: User
) -> None:
    def told() -> list[str]:
        return [str(letter.subject) for letter in mail.outbox if letter.to == [alice.email]]

    settings.MAILS_A_DAY = 10
    settings.MAILS_THAT_WAIT = {"later"}
    settings.MAILS = settings.MAILS | {"later": f"{__name__}.hello"}
    for project in (dataset, None):
        later = [f"later-{number}@x.example" for number in range(30)]
        queue_notices(new_notice("later", to, subject_id=1, slot=str(project), dataset=project) for to in later)
    queue(dataset, "first")
    assert send() == {"sent": 1}
    assert mail.outbox[0].to == ["first@x.example"]
    held = Notice.objects.filter(kind="later", dataset=dataset, state="due")
    assert (len(mail.outbox), held.count()) == (1 + 7 + 30 + 1, 23)
    assert {notice.not_before for notice in held} == {TOMORROW}
    assert held[0].last_error.startswith("The project has sent 8 of its 10 mails on 20 November")
    assert told() == ["Electron microscopy: reminders wait until tomorrow"]
    queue(dataset, "second", "third", "fourth")
    assert send() == {"sent": 3, "due": 1}
    assert told()[1:] == ["Electron microscopy: mails wait until tomorrow"]


def test_an_index_gives_the_next_mails_in_their_order(db: None) -> None:
    """PostgreSQL sorts a table as small as this one rather, unless it is told not to."""
    with CaptureQueriesContext(connection) as queries:
        due_ids(NOW)
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"{explain} {queries[0]['sql']}")
        plan = str(cursor.fetchall())
    assert "notices_by_turn" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_managers_are_told_once_a_day(dataset: Dataset, alice: User, bob: User) -> None:
    queue(dataset, "a", "b", "c", "d")
    send()
    queue(dataset, "e")
    send(NOW + timedelta(minutes=1))
    told = Notice.objects.get(kind="mails-held")
    assert (told.to, told.state) == (alice.email, "sent")
    assert mail.outbox[-1].subject == "Electron microscopy: mails wait until tomorrow"
    assert "has sent 3\xa0mails today" in str(mail.outbox[-1].body)


def test_each_project_has_its_own_ceiling_and_may_set_it(
    dataset: Dataset, make_dataset: MakeDataset, settings: Settings
) -> None:
    other = Project.objects.create(code="x", name="X-ray", contact_email="x@x.example", mails_a_day=5)
    queue(dataset, "a", "b", "c", "d")
    queue(make_dataset(project=other, instrument=None), *(f"x-{number}" for number in range(7)))
    assert send() == {"sent": 8, "due": 3}
    settings.MAILS_A_DAY = 0
    other.mails_a_day = None
    other.save()
    assert send(TOMORROW) == {"sent": 11}


def test_mails_about_no_dataset_are_never_held_back(dataset: Dataset) -> None:
    queue(dataset, "a", "b", "c", "d")
    queue(None, *(f"new-{number}" for number in range(9)))
    assert send() == {"sent": 12, "due": 1}


def test_only_what_went_out_counts(dataset: Dataset) -> None:
    queue(dataset, "over-1", "over-2", "over-3", "a", "b", "c", "d")
    assert send() == {"dropped": 3, "sent": 3, "due": 1}
    assert MailDay.objects.get().mails == 3


def test_a_day_is_one_of_the_portal_s_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    assert str(day_of(NOW)) == "2026-11-21"


@pytest.fixture
def server(transactional_db: None, tmp_path: Path, settings: Settings) -> Iterator[MailServer]:
    with shared_database(tmp_path), mail_server(settings) as running:
        yield running


def test_workers_at_once_keep_to_the_ceiling_together(server: MailServer, settings: Settings) -> None:
    settings.MAILS_A_DAY = 30
    project = Project.objects.create(code="em", name="Electron microscopy", contact_email="em@x.example")
    dataset = Dataset.objects.create(
        project=project, name="run", title="Run", client_key="1", sender="upload_token:1", sent_by="Krios 2"
    )
    queue(dataset, *(f"rita-{number}" for number in range(100)))
    at_once(lambda: send_due_mail(clock=lambda: NOW), 4)
    assert server.letters == MailDay.objects.get().mails == 30
    assert Notice.objects.filter(state="due", not_before=TOMORROW, attempts=0).count() == 70
