"""Datasets go when their time is over: after warnings, never while held, in two steps, and can be restored."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from dataplane.localstore import LocalStore
from dataplane.store import Store
from keeping.answer_links import answer_address
from keeping.models import AskedPerson, FileCopy, Keeping, KeepingQuerySet
from keeping.models.asked import WARNING
from keeping.services.classes import change_class
from keeping.services.copies import make_copies
from keeping.services.deleting import delete_by_hand, expire, restore
from keeping.services.keepings import extend, hold, release_hold
from keeping.services.purging import purge_deleted
from keeping.services.rereading import Budget, Outcome, reread
from keeping.services.retention import keep_by_the_clock
from keeping.services.second_copies import plan_second_copies
from portal import storage
from portal.actors import SYSTEM, Actor
from portal.errors import Conflict
from portal.mail_sending import send_due_mail
from portal.models import AuditEvent, Dataset, Notice, Project, User
from sharing.layouts import layout_of
from sharing.links import address_of
from tests.conftest import SignIn
from tests.keeping.conftest import MakeDataset, keys_of, some_files
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
from tests.portal.many_connections import at_once, shared_database

FILES = some_files(7, 100)


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return make_dataset(FILES, name="run-1", **released())


def told(dataset: Dataset) -> list[str]:
    return list(AuditEvent.objects.filter(dataset_id=dataset.pk).order_by("id").values_list("kind", flat=True))


def test_a_year_passes_without_a_class_and_nothing_happens(dataset: Dataset) -> None:
    everything(365)
    assert (state_of(dataset), Keeping.objects.count(), Notice.objects.count()) == ("released", 0, 0)


def test_a_dataset_is_warned_of_three_times_deleted_and_removed_after_the_grace_period(
    dataset: Dataset, project: Project, alice: User, rita: str
) -> None:
    a_class(project)
    a_link(dataset)
    seen = {}
    for number in range(45):
        everything(number)
        everything(number)
        seen[number] = (state_of(dataset), len(keys_of("local", dataset)))
    changes = [number for number in range(1, 45) if seen[number] != seen[number - 1]]
    assert [(number, *seen[number]) for number in changes] == [(30, "expired", 7), (40, "purged", 0)]
    slots = ["2026-03-31/14", "2026-03-31/7", "2026-03-31/1"]
    assert sorted(warned(dataset)) == sorted((to, slot) for slot in slots for to in (alice.email, rita))
    assert told(dataset) == ["deletion_warned"] * 3 + ["dataset_deleted", "purge_began", "dataset_purged"]
    assert dataset.files.verified().count() == len(FILES)  # what was there, with its checksums
    keeping = keeping_of(dataset)
    assert (keeping.files_purged, keeping.bytes_purged) == (len(FILES), sum(map(len, FILES.values())))


def test_months_with_holds_extensions_a_sleeping_scheduler_and_a_changed_class(
    make_dataset: MakeDataset, project: Project, alice: User
) -> None:
    plain, held, longer = (make_dataset({"a": b"1"}, name=name, **released()) for name in ("plain", "held", "longer"))
    retention = a_class(project)
    actor = Actor.of_user(alice)
    gone: dict[str, int] = {}
    for number in range(150):
        if number == 10:
            hold(dataset=held, reason="under review", actor=actor, now=day(number))
        if number == 20:
            extend(dataset=longer, actor=actor, now=day(number), manages=True)
        if number == 70:
            release_hold(dataset=held, actor=actor)
        if number == 75:  # shorter now: notice all the same
            change_class(retention=retention, actor=actor, days=20)
        if not 78 <= number < 88:  # nobody ran the scheduler
            everything(number)
        for each in (plain, held, longer):
            if state_of(each) == "expired":
                gone.setdefault(each.name, number)
    assert gone == {"plain": 30, "longer": 60, "held": 88}  # the hold was released on day 70: 14 days, but nobody ran
    assert {state_of(each) for each in (plain, held, longer)} == {"purged"}


def test_a_class_that_is_new_deletes_nothing_old_without_notice(dataset: Dataset, project: Project) -> None:
    a_class(project)
    everything(400)
    assert (state_of(dataset), [slot for _, slot in warned(dataset)]) == ("released", ["2027-04-19/14"])
    everything(413.9)
    assert state_of(dataset) == "released"
    everything(414)
    assert state_of(dataset) == "expired"


def test_a_held_dataset_is_never_deleted_nor_its_bytes_in_the_grace_period(
    dataset: Dataset, project: Project, alice: User
) -> None:
    a_class(project)
    actor = Actor.of_user(alice)
    hold(dataset=dataset, reason="a dispute", actor=actor, now=day(1))
    for number in (15, 29, 31, 400):
        everything(number)
    with pytest.raises(Conflict, match="a dispute"):
        delete_by_hand(dataset=dataset, actor=actor, now=day(401))
    assert (state_of(dataset), warned(dataset)) == ("released", [])
    release_hold(dataset=dataset, actor=actor)
    delete_by_hand(dataset=dataset, actor=actor, now=day(402))
    hold(dataset=dataset, reason="too soon", actor=actor, now=day(403))
    everything(500)
    assert (state_of(dataset), len(keys_of("local", dataset))) == ("expired", 7)


def test_a_sweep_that_ignores_holds_is_seen_by_the_test_above(
    dataset: Dataset, project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both places where a hold counts are planted blind."""
    monkeypatch.setattr(Keeping, "is_held", False)
    real = KeepingQuerySet.filter

    def blind(self: KeepingQuerySet, *conditions: object, **wanted: object) -> KeepingQuerySet:
        wanted.pop("held_at__isnull", None)
        return real(self, *conditions, **wanted)

    hold(dataset=dataset, reason="a dispute", actor=Actor.of_user(alice), now=day(1))
    monkeypatch.setattr(KeepingQuerySet, "filter", blind)
    a_class(project)
    for number in (16, 30):
        everything(number)
    assert state_of(dataset) == "expired"


def test_what_was_given_another_class_since_the_sweep_looked_is_not_deleted(dataset: Dataset, project: Project) -> None:
    for_long = a_class(project, name="Archive", days=None, is_default=False)
    a_class(project)
    everything(1)
    looked_at = keeping_of(dataset)
    Keeping.objects.filter(dataset=dataset).update(retention_class=for_long)
    assert not expire(looked_at, actor=SYSTEM, reason="kept as it was", now=day(400))
    assert state_of(dataset) == "released"
    assert expire(keeping_of(dataset), actor=SYSTEM, reason="kept as it is", now=day(400))


def test_two_sweeps_at_once_delete_and_warn_once(
    make_dataset: MakeDataset, project: Project, alice: User, tmp_path: Path
) -> None:
    datasets = [make_dataset({"a": b"1"}, **released()) for _ in range(8)]
    a_class(project)
    with shared_database(tmp_path):
        for number in (16, 30, 40):
            at_once(partial(everything, number), 3)
        assert {state_of(each) for each in datasets} == {"purged"}
        mails = [Notice.objects.filter(kind=kind, state="sent").count() for kind in (WARNING, "dataset-deleted")]
        steps = [AuditEvent.objects.filter(kind=kind).count() for kind in ("dataset_deleted", "dataset_purged")]
        assert (mails, steps) == ([8, 8], [8, 8])


@pytest.mark.parametrize("crash_at", range(1, 12))
def test_a_purge_goes_on_wherever_it_was_killed(
    dataset: Dataset, alice: User, archive: Store, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    """Killed before, and after, each removal: nothing stays, and the counts are right."""
    monkeypatch.setattr("keeping.services.purging._AT_ONCE", 2)
    monkeypatch.setattr(
        "keeping.services.purging.side_by_side", lambda work, places, *_: [(p, work(p)) for p in places]
    )
    delete_by_hand(dataset=dataset, actor=Actor.of_user(alice), now=day(1))
    real, calls = LocalStore.delete, 0

    class Killed(BaseException):
        pass

    def dying(self: LocalStore, key: str) -> None:
        nonlocal calls
        calls += 1
        if calls == crash_at:
            raise Killed
        real(self, key)
        if calls + 7 == crash_at:
            calls = crash_at
            raise Killed

    monkeypatch.setattr(LocalStore, "delete", dying)
    with pytest.raises(Killed):
        purge_deleted(clock=at(20))
    monkeypatch.setattr(LocalStore, "delete", real)
    purge_deleted(clock=at(20.0003))  # the dead worker's lease still holds
    assert state_of(dataset) == "expired"
    purge_deleted(clock=at(20.01))
    keeping = keeping_of(dataset)
    assert (state_of(dataset), keys_of("local", dataset), keeping.files_purged) == ("purged", [], len(FILES))
    assert told(dataset).count("dataset_purged") == 1


def test_a_purge_leaves_no_bytes_in_any_store(
    make_dataset: MakeDataset, project: Project, alice: User, other: str
) -> None:
    Project.objects.update(copy_store=other)
    dataset = make_dataset(FILES, **released())
    neighbour = make_dataset({"a": b"1"}, **released())
    plan_second_copies()
    make_copies(clock=at(1))
    layout_of(dataset)
    assert keys_of(other, dataset) == sorted(FILES)
    delete_by_hand(dataset=dataset, actor=Actor.of_user(alice), now=day(1))
    plan_second_copies()
    assert (make_copies(clock=at(2)).files, purge_deleted(clock=at(3))) == (0, 0)
    assert purge_deleted(clock=at(15)) == 1
    assert (keys_of("local", dataset), keys_of(other, dataset)) == ([], [])
    assert not FileCopy.objects.filter(dataset=dataset).exists()
    assert not list(settings.LAYOUTS_ROOT.glob(f"{dataset.pk.hex}/*"))
    assert (len(keys_of("local", neighbour)), len(keys_of(other, neighbour))) == (1, 1)
    looked: list[Outcome] = []
    reread(Budget(), clock=at(16), tell=looked.append)  # the record is no damage
    assert [(outcome.files, outcome.damaged) for outcome in looked] == [(1, [])]


def test_a_volume_that_is_not_mounted_is_not_taken_for_an_empty_one(dataset: Dataset, alice: User) -> None:
    delete_by_hand(dataset=dataset, actor=Actor.of_user(alice), now=day(1))
    folder = storage.store().root / "em"
    folder.rename(folder.with_name("away"))
    assert purge_deleted(clock=at(20)) == 0
    assert "mounted" in keeping_of(dataset).trouble
    folder.with_name("away").rename(folder)
    assert purge_deleted(clock=at(21)) == 1


def test_a_deleted_dataset_is_restored_until_its_bytes_go(
    dataset: Dataset, project: Project, alice: User, sign_in: SignIn
) -> None:
    a_class(project)
    everything(16)
    everything(30)
    page = sign_in(alice).get(f"/datasets/{dataset.pk}/download/manifest-sha256.txt")
    assert page.status_code == 410
    restore(dataset=dataset, actor=Actor.of_user(alice), now=day(35))
    assert b"".join(sign_in(alice).get(f"/datasets/{dataset.pk}/download/manifest-sha256.txt").streaming_content)  # type: ignore[attr-defined]
    everything(50)
    assert state_of(dataset) == "released"
    for number in (51, 65, 75):
        everything(number)
    assert state_of(dataset) == "purged"
    with pytest.raises(Conflict, match="cannot be restored"):
        restore(dataset=dataset, actor=Actor.of_user(alice), now=day(76))


def test_what_the_days_count_from(make_dataset: MakeDataset, project: Project) -> None:
    a_class(project, counted_from="last_access")
    complete = a_class(project, name="complete", counted_from="all_complete", is_default=False)
    names = ("read", "done", "waiting", "astray")
    read, done, waiting, astray = (make_dataset({"a": b"1"}, name=name, **released()) for name in names)
    Keeping.objects.bulk_create([Keeping(dataset=each, retention_class=complete) for each in (done, waiting, astray)])
    a_link(read, last_taken_at=day(20))
    AuditEvent.objects.create(at=day(25), kind="downloaded", dataset_id=read.pk, actor="bob", hash="", previous_hash="")
    whole: dict[str, Any] = {"state": "complete", "first_taken_at": day(3), "completed_at": day(4)}
    a_link(done, **whole)
    a_link(done, "rob@university.example", answer="has_it", answered_at=day(9))
    a_link(astray, **whole, answer="not_theirs", answered_at=day(9), expires_at=day(50))
    a_link(waiting, **whole)
    a_link(waiting, "rob@university.example", expires_at=day(40))
    keep_by_the_clock(clock=at(1))
    ends = dict(Keeping.objects.values_list("dataset__name", "deletion_at"))
    assert ends == {"read": day(55), "done": day(39), "waiting": day(70), "astray": day(80)}


def test_it_goes_early_once_every_recipient_has_checked_it_or_agreed(dataset: Dataset, project: Project) -> None:
    a_class(project, deletes_early=True, days=300)
    a_link(dataset, state="verified", first_taken_at=day(1), completed_at=day(2), verified_at=day(3))
    rob = a_link(dataset, "rob@university.example")
    everything(4)
    assert state_of(dataset) == "released"
    type(rob).objects.filter(pk=rob.pk).update(answer="has_it", answered_at=day(5))
    everything(5.5)
    assert state_of(dataset) == "expired"
    assert warned(dataset) == []
    assert AuditEvent.objects.get(kind="dataset_deleted").detail["reason"] == "everybody has it or agreed"


def test_it_does_not_go_early_while_the_right_person_was_not_reached(dataset: Dataset, project: Project) -> None:
    """Who says that the data are not theirs agrees to nothing, gets no warning, and keeps nothing once revoked."""
    a_class(project, deletes_early=True, days=300)
    a_link(dataset, state="verified", first_taken_at=day(1), completed_at=day(2), verified_at=day(3))
    astray = a_link(dataset, "rob@university.example", answer="not_theirs", answered_at=day(5), expires_at=day(20))
    for number in (6, 30, 286):
        everything(number)
    assert (state_of(dataset), {to for to, _ in warned(dataset)}) == ("released", {"em@facility.example"})
    type(astray).objects.filter(pk=astray.pk).update(revoked_at=day(287))
    everything(288)
    assert state_of(dataset) == "expired"


def test_the_mail_brings_a_calendar_entry_and_a_page_where_a_click_keeps_it_longer(
    dataset: Dataset, project: Project, alice: User, rita: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_class(project)
    link = a_link(dataset)
    everything(16)
    monkeypatch.setattr("django.utils.timezone.now", at(16))
    send_due_mail(clock=at(16))
    letters = {letter.to[0]: letter for letter in mail.outbox}
    assert set(letters) == {alice.email, rita}
    asked = AskedPerson.objects.get(email=rita)
    address = answer_address(asked)
    assert address
    assert address in letters[rita].body
    assert str(address_of(link)) in letters[rita].body
    assert f"/datasets/{dataset.pk}/keeping" in letters[alice.email].body
    name, content, kind = letters[rita].attachments[0]
    (entry,) = Calendar.from_ical(content).walk("VEVENT")
    assert (name, kind, entry.decoded("dtstart"), str(entry["url"])) == (
        "deletion.ics", "text/calendar", day(30).date(), address,
    )  # fmt: skip
    path = address.removeprefix(settings.PORTAL_URL)
    assert "Keep it until Thursday 30 April 2026" in client.get(path).content.decode()
    assert keeping_of(dataset).extended_until is None  # looking changes nothing
    button = {"answer": "keep", "offered": client.get(path).context["offered"]}
    for _click in range(2):  # by somebody in a hurry
        assert client.post(path, button).status_code == 302
    assert keeping_of(dataset).extended_until == day(60)
    assert client.post(path, {"answer": "keep"}).status_code == 409  # once, says the class
    assert client.post(path, {"answer": "delete"}).status_code == 302
    asked.refresh_from_db()
    assert asked.answer == "delete"
    everything(46)
    assert [slot for to, slot in warned(dataset) if to == rita] == ["2026-03-31/14", "2026-04-30/14"]
    for number, answer in ((60, "it can be restored until"), (71, "gone for good")):
        everything(number)
        assert answer in client.get(path).content.decode()


def test_a_warning_and_its_calendar_entry_tell_the_day_where_the_project_is(dataset: Dataset, project: Project) -> None:
    Project.objects.update(time_zone="Pacific/Auckland")
    a_class(project)
    everything(16)
    send_due_mail(clock=at(16))
    (letter,) = mail.outbox
    assert "Wednesday 1 April 2026" in letter.body  # one o'clock in the morning there
    (entry,) = Calendar.from_ical(letter.attachments[0][1]).walk("VEVENT")
    assert entry.decoded("dtstart") == date(2026, 4, 1)


def test_the_next_warning_moves_the_entry_that_is_in_the_calendar(dataset: Dataset, project: Project) -> None:
    """RFC 5545: the same UID with a higher SEQUENCE takes the place of the earlier one."""
    a_class(project)
    everything(16)
    extend(dataset=dataset, actor=SYSTEM, now=day(20), manages=True)
    everything(46)
    first, second = (Calendar.from_ical(letter.attachments[0][1]).walk("VEVENT")[0] for letter in mail.outbox)
    assert first["uid"] == second["uid"]
    assert int(str(first["sequence"])) < int(str(second["sequence"]))
    assert (first.decoded("dtstart"), second.decoded("dtstart")) == (day(30).date(), day(60).date())


def test_a_warning_that_is_no_longer_true_is_not_sent(dataset: Dataset, project: Project, alice: User) -> None:
    a_class(project)
    keep_by_the_clock(clock=at(16))
    extend(dataset=dataset, actor=SYSTEM, now=day(16), manages=True)
    assert send_due_mail(clock=at(16.01)) == {"dropped": 1}


def test_people_without_the_right_extend_only_as_often_as_the_class_says(dataset: Dataset, project: Project) -> None:
    a_class(project, most_extensions=2)
    for _ in range(2):
        extend(dataset=dataset, actor=SYSTEM, now=day(1), manages=False)
    with pytest.raises(Conflict, match="Ask a manager"):
        extend(dataset=dataset, actor=SYSTEM, now=day(1), manages=False)
    extend(dataset=dataset, actor=SYSTEM, now=day(1), manages=True)
    assert keeping_of(dataset).extended_until == day(30 + 3 * 30)


def test_a_sweep_over_many_datasets_costs_few_queries_and_rests_when_nothing_is_due(
    make_dataset: MakeDataset, project: Project, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    a_class(project)
    for _ in range(20):
        make_dataset({}, **released())
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        assert keep_by_the_clock(clock=at(1)) == 20
    with django_assert_max_num_queries(3):  # type: ignore[attr-defined]
        assert keep_by_the_clock(clock=lambda: day(1) + timedelta(hours=1)) == 0


def test_each_minute_only_what_was_released_lately_is_looked_at(make_dataset: MakeDataset, project: Project) -> None:
    def kept() -> set[str]:
        return set(Keeping.objects.values_list("dataset__name", flat=True))

    make_dataset({}, name="before the class", **released())
    default = a_class(project)
    keep_by_the_clock(clock=at(40))
    make_dataset({}, name="since", **released(released_at=day(41)))
    make_dataset({}, name="in a transaction that took long", **released(released_at=day(40) - timedelta(hours=1)))
    keep_by_the_clock(clock=at(41))
    assert kept() == {"before the class", "since", "in a transaction that took long"}
    change_class(retention=default, actor=SYSTEM, is_default=False)
    make_dataset({}, name="without a default", **released(released_at=day(42)))
    keep_by_the_clock(clock=at(60))
    assert "without a default" not in kept()
    change_class(retention=default, actor=SYSTEM, is_default=True)
    keep_by_the_clock(clock=at(60))
    assert "without a default" in kept()


def test_looking_for_new_datasets_does_not_walk_the_old_ones(make_dataset: MakeDataset, project: Project) -> None:
    a_class(project)
    make_dataset({}, name="old", **released())
    keep_by_the_clock(clock=at(40))
    Keeping.objects.all().delete()  # a walk over all would find this one
    with CaptureQueriesContext(connection) as asked:
        keep_by_the_clock(clock=lambda: day(40) + timedelta(minutes=1))
    assert len(asked) == 3
    assert not Keeping.objects.exists()
    if connection.vendor == "sqlite":  # PostgreSQL walks tables as small as those of tests
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked.captured_queries[1]['sql']}")
            assert "dataset_by_release" in cursor.fetchone()[3]
