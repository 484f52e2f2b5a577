"""The worker and the scheduler are heard, and missed when they are not."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from celery.beat import PersistentScheduler
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from portal import celery_heartbeats
from portal.celery import app
from portal.celery_heartbeats import BeatingScheduler, Heart, WorkerHeartbeat
from portal.heartbeats import program_figures, pulses, silent_programs
from portal.models import Heartbeat, User
from tests.conftest import SignIn


def hear(kind: str, name: str, **ago: int) -> None:
    Heartbeat.objects.note(kind=kind, name=name, now=timezone.now() - timedelta(**ago))


@pytest.mark.parametrize(
    ("ago", "state"),
    [({"seconds": 0}, "ok"), ({"seconds": 120}, "ok"), ({"minutes": 4}, "late"), ({"days": 3}, "late")],
)
def test_readyz_names_a_late_worker_and_stays_ready(client: Client, db: None, ago: dict[str, int], state: str) -> None:
    hear("worker", "celery@data", **ago)
    answer = client.get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["ready"], told["worker"], told["scheduler"]) == (200, True, state, "never")
    assert told["worker_seconds"] >= timedelta(**ago).total_seconds()
    assert told["scheduler_seconds"] is None


def test_one_worker_alive_is_enough_and_a_clock_ahead_does_no_harm(db: None) -> None:
    now = timezone.now()
    hear("worker", "celery@old", hours=2)
    Heartbeat.objects.note(kind="worker", name="celery@new", now=now + timedelta(seconds=30))
    worker, scheduler = pulses(now)
    assert (worker.state, worker.seconds, scheduler.state) == ("ok", 0, "never")


def test_a_program_keeps_one_row_and_its_kind_forgets_who_is_gone_for_a_day(db: None) -> None:
    hear("scheduler", "beat@old", days=9)
    hear("worker", "celery@old", days=2)
    for minutes in (2, 1, 0):
        hear("worker", "celery@new", minutes=minutes)
    assert list(Heartbeat.objects.values_list("name", flat=True)) == ["beat@old", "celery@new"]
    assert pulses(timezone.now())[1].state == "late"


def test_staff_alone_are_told_which_program_to_start(sign_in: SignIn, sam: User, bob: User) -> None:
    hear("worker", "celery@data")
    hear("scheduler", "beat@data", hours=2)
    now = timezone.now()
    assert silent_programs(bob, now) == []
    (need,) = silent_programs(sam, now)
    assert "last heard 2 hours ago" in need.text
    assert "Start the program `beat` again" in need.text
    assert [(figure.value, figure.tone) for figure in program_figures(now)] == [("alive", ""), ("silent", "bad")]
    assert "Start the program `beat` again" in sign_in(sam).get("/staff/").content.decode()


def test_the_worker_s_heart_is_started_again_with_its_consumer(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[str] = []
    monkeypatch.setattr(Heart, "beat", lambda heart: beats.append(heart._name))

    class Timer:
        def call_repeatedly(self, seconds: float, function: Any) -> None:
            assert seconds == 60
            function()

    class Consumer:
        hostname, timer = "celery@data", Timer()

    step = WorkerHeartbeat(Consumer())
    step.start(Consumer())
    step.start(Consumer())
    assert beats == ["celery@data"] * 4
    assert "portal.celery_heartbeats:WorkerHeartbeat" in app.steps["consumer"]


def test_the_scheduler_is_heard_at_its_ticks_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, beats = iter([100.0, 130.0, 161.0]), []
    monkeypatch.setattr(celery_heartbeats, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(PersistentScheduler, "__init__", lambda *_, **__: None)
    monkeypatch.setattr(PersistentScheduler, "tick", lambda *_, **__: 300.0)
    monkeypatch.setattr(Heart, "beat", lambda _: beats.append(1))
    scheduler = BeatingScheduler(app=app)
    assert [scheduler.tick() for _ in range(3)] == [60.0] * 3
    assert len(beats) == 2
    assert app.conf.beat_scheduler == "portal.celery_heartbeats.BeatingScheduler"


def test_a_heart_beats_once_at_a_time_and_survives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave, tries = Event(), Event(), []

    def hang(**_: Any) -> None:
        tries.append(1)
        entered.set()
        assert leave.wait(60)
        raise DatabaseError("gone")

    monkeypatch.setattr(Heartbeat.objects, "note", hang)
    heart = Heart("worker", "celery@data")
    heart.beat()
    assert entered.wait(60)
    heart.beat()
    leave.set()
    thread = heart._thread
    assert thread
    thread.join(60)
    heart.beat()
    assert heart._thread
    heart._thread.join(60)
    assert len(tries) == 2
