"""Agents tell how they are, and are missed when they do not."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.actors import Actor
from tests.uploads.conftest import MakePc, Pc
from uploads.models import Agent, UploadToken
from uploads.services.tokens import renew_token

AGENT_ID = "5a4f0d31-53a2-4df3-9d3b-1d5c0f3a8a10"


def beat(**fields: object) -> dict[str, object]:
    return {
        "agent_id": AGENT_ID,
        "host": "krios-pc",
        "agent_version": "0.1.0",
        "platform": "Windows 10",
        "interval_s": 60,
        "started_at": "2026-11-21T08:00:00Z",
        "folders": [{"path": "D:/data", "state": "watching", "files_waiting": 3, "bytes_waiting": 900}],
        "queue": {"files": 3, "bytes": 900},
        "last_error": None,
        "last_error_at": None,
        "disk": {"free": 10, "total": 100},
        "stopping": False,
        **fields,
    }


def test_an_agent_is_known_by_its_last_heartbeat(ada: Pc) -> None:
    answer = ada.post("/heartbeat", beat())
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"server_time", "agent_version_latest", "agent_version_min"}
    ada.post("/heartbeat", beat(last_error="The portal is away.", queue={"files": 9, "bytes": 8}, disk=None))
    agent = Agent.objects.get()
    assert (agent.host, agent.queue_files, agent.queue_bytes, agent.disk_total) == ("krios-pc", 9, 8, None)
    assert agent.last_error == "The portal is away."
    assert agent.folders[0] == {
        "path": "D:/data",
        "state": "watching",
        "files_waiting": 3,
        "bytes_waiting": 900,
        "datasets_open": 0,
        "message": "",
    }
    assert agent.started_at == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_a_heartbeat_costs_one_update(ada: Pc, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ada.post("/heartbeat", beat())
    with django_assert_num_queries(2):  # who is it; what it says
        ada.post("/heartbeat", beat())


@pytest.mark.parametrize(
    "wrong",
    [
        {"agent_id": "me"},
        {"host": ""},
        {"host": "x" * 201},
        {"host": "a\0b"},
        {"interval_s": 9},
        {"interval_s": 86_401},
        {"interval_s": "60"},
        {"started_at": "yesterday"},
        {"started_at": "2026-11-21T08:00:00"},
        {"folders": [{"path": "x", "state": "watching"}] * 101},
        {"folders": [{"path": "x", "state": "asleep"}]},
        {"folders": [{"path": "x", "state": "error", "message": "m" * 1001}]},
        {"queue": {"files": -1, "bytes": 0}},
        {"queue": {"files": 1, "bytes": 2**63}},
        {"last_error": "e" * 1001},
        {"disk": {"free": 1}},
    ],
)
def test_what_makes_no_sense_is_refused_with_the_field(ada: Pc, wrong: dict[str, object]) -> None:
    answer = ada.post("/heartbeat", beat(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert next(iter(wrong)) in str(answer.json())
    assert not Agent.objects.exists()


def test_only_tokens_report_and_at_most_a_hundred_agents_each(ada: Pc, make_pc: MakePc) -> None:
    now = timezone.now()
    fields: Any = {"host": "x", "version": "1", "interval_s": 60, "started_at": now, "first_heard_at": now}
    fields |= {"last_heard_at": now, "silent_from": now, "token": ada.token, "family": ada.token.family}
    Agent.objects.bulk_create([Agent(agent_id=uuid4(), **fields) for _ in range(100)])
    answer = ada.post("/heartbeat", beat())
    assert answer.status_code == 409
    assert "Remove those that are gone" in answer.json()["message"]
    assert make_pc("Another").post("/heartbeat", beat()).status_code == 200
    assert Pc("lcu_wrong", ada.token).post("/heartbeat", beat()).status_code == 401


def test_an_agent_stays_the_same_when_its_token_is_renewed(ada: Pc, alice: Any) -> None:
    ada.post("/heartbeat", beat())
    new, secret = renew_token(
        token=ada.token, actor=Actor.of_user(alice), overlap=timedelta(0), expires_at=None, now=timezone.now()
    )
    Pc(secret, new).post("/heartbeat", beat(host="krios-pc-2"))
    agent = Agent.objects.get()
    assert (agent.host, agent.token) == ("krios-pc-2", UploadToken.objects.get(pk=new.pk))
